/** A public key ssh showed to the host. */
export interface OfferedKey {
  /** The file, or the comment a key of the agent has. */
  readonly name: string;
  readonly fingerprint: string;
  readonly fromAgent: boolean;
}

/** What ssh's log (`LogLevel=DEBUG1`) tells of an attempt to log in; as of OpenSSH 7.4 to 10. */
export interface Trail {
  /** Lines meant for people: everything but debug lines. */
  readonly words: readonly string[];
  /** The port it tried, when it got so far. */
  readonly port?: number;
  /** Whether the host proved to be an SSH server: it showed its key. */
  readonly hostKey?: { readonly type: string; readonly fingerprint: string };
  readonly offered: readonly OfferedKey[];
  /** Fingerprints the host would take. */
  readonly accepted: readonly string[];
  /** Whether the host said "try something else" after it had accepted a key: the key is right, the user may not in. */
  readonly refusedAfterAccepted: boolean;
  /** How many keys the agent holds; `missing` when its socket leads nowhere; absent when there is none. */
  readonly agent?: number | 'missing';
  readonly authenticated: boolean;
  /** Whether the remote command was sent, so that a script may have begun. */
  readonly commanded: boolean;
  /** The jump hosts, nearest to us first, when ssh went through a ProxyJump. */
  readonly jumps: readonly string[];
  /** The command ssh went through in place of a connection of its own. */
  readonly proxy?: string;
  /** What the other side said where its SSH version was expected. */
  readonly banner: readonly string[];
}

const OFFER = /^Offering public key: (.+) \S+ (\S+:\S+)(.*)$/;
const ACCEPT = /^Server accepts key: .* (\S+:\S+)(?: (?:explicit|agent|token))*$/;
// The second is what an ssh says that uses another's connection.
const COMMANDED = /^Sending command|^mux_client_request_session: master session id/;
const JUMP = /^Setting implicit ProxyCommand from ProxyJump: ssh (.*)$/;

function jumpsOf(command: string): string[] {
  const words = command.split(' ');
  const via = words.indexOf('-J');
  const before = via < 0 ? [] : (words[via + 1] ?? '').split(',');
  return [...before, words.at(-1) ?? ''];
}

/** Reads ssh's log. Lines it does not know are left aside, so an ssh that says more or less does no harm. */
export function readTrail(log: string): Trail {
  const words: string[] = [];
  const offered: OfferedKey[] = [];
  const accepted: string[] = [];
  const banner: string[] = [];
  const found: { -readonly [K in keyof Trail]?: Trail[K] } = {};
  for (const line of log.split(/\r?\n/)) {
    if (!/^debug\d: /.test(line)) {
      if (line.startsWith('Authenticated to ')) found.authenticated = true;
      else if (line.trim() !== '' && !/^(Transferred|Bytes per second):/.test(line))
        words.push(line.trimEnd());
      continue;
    }
    const said = line.slice(8);
    const offer = OFFER.exec(said);
    const accept = ACCEPT.exec(said);
    const jump = JUMP.exec(said);
    const hostKey = /^Server host key: (\S+) (\S+)$/.exec(said);
    const port = /^Connecting to .* port (\d+)\.$/.exec(said);
    const agent = /^get_agent_identities: agent returned (\d+) keys/.exec(said);
    const proxy = /^Executing proxy command: (?:exec )?(.*)$/.exec(said);
    const line0 = /^(?:kex_exchange_identification|ssh_exchange_identification): banner line \d+: (.*)$/.exec(
      said,
    );
    if (offer)
      offered.push({
        name: offer[1] ?? '',
        fingerprint: offer[2] ?? '',
        fromAgent: / agent\b/.test(offer[3] ?? ''),
      });
    else if (accept) accepted.push(accept[1] ?? '');
    else if (jump) found.jumps = jumpsOf(jump[1] ?? '');
    else if (hostKey) found.hostKey = { type: hostKey[1] ?? '', fingerprint: hostKey[2] ?? '' };
    else if (port) found.port = Number(port[1]);
    else if (agent) found.agent = Number(agent[1]);
    else if (proxy) found.proxy = proxy[1] ?? '';
    else if (line0) banner.push(line0[1] ?? '');
    else if (/^(get_agent_identities: )?ssh_get_authentication_socket: /.test(said)) found.agent = 'missing';
    else if (said.startsWith('Authentication succeeded')) found.authenticated = true;
    else if (COMMANDED.test(said)) found.commanded = true;
    else if (said.startsWith('Authentications that can continue') && accepted.length > 0)
      found.refusedAfterAccepted = true;
  }
  return {
    authenticated: false,
    commanded: false,
    refusedAfterAccepted: false,
    jumps: [],
    ...found,
    words,
    offered,
    accepted,
    banner: banner.filter((text) => text.trim() !== ''),
  };
}
