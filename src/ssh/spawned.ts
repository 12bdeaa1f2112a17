/** Takes a piece of a program's output as it comes. */
export type OnData = (chunk: string) => void;
