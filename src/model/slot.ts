/** The name of a sealed value that reaches a script on standard input alone: never shown or stored. */
export type Slot = string;
