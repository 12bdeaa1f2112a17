/** A host as one names it on the command line, or in answer to a question: `[NAME=][USER@]ADDRESS[:PORT]`. */
export interface HostWord {
  /** The name of the node. */
  readonly name?: string;
  readonly user?: string;
  /** An IPv4 address, a DNS name, or an alias of ssh_config; not judged yet. */
  readonly address: string;
  readonly port?: number;
}

/** Takes a word apart; what is of another form is an address as a whole, for whoever judges addresses to refuse. */
export function hostWord(word: string): HostWord {
  const [, name, user, address, port] =
    /^(?:([^=@:]*)=)?(?:([^@]*)@)?([^@:=]+)(?::(\d{1,5}))?$/.exec(word) ?? [];
  if (address === undefined) return { address: word };
  return {
    address,
    ...(name === undefined ? {} : { name }),
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}
