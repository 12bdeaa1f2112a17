import type { Attempt, Rule, Verdict } from './attempt.ts';
import { asTyped, called, line } from './attempt.ts';
import type { Trail } from './trail.ts';

const CONNECT = /^ssh: connect to host (\S+) port (\d+): (.+)$/;

function unreachable(
  attempt: Attempt,
  how: string,
  saw: string | undefined,
  rest: Pick<Verdict, 'why' | 'try'>,
): Verdict {
  return {
    code: 'ssh/unreachable',
    summary: `${called(attempt.target)} cannot be reached: ${how}`,
    ...(saw === undefined ? {} : { saw }),
    ...rest,
  };
}

/** The words of connect(2), and what each means for the reader. */
const CONNECTING: readonly [pattern: RegExp, how: string, why: string, remedy: (port: string) => string][] = [
  [
    /Connection refused/,
    'it refuses the connection',
    'the machine is there, but nothing listens on that port: sshd is down, still starting, or on another port',
    (port) =>
      `on its console: systemctl status ssh; ss -ltnp | grep sshd   (we tried port ${port}; another one: ssh.port in cluster.yaml)`,
  ],
  [
    /timed out/,
    'no answer',
    'the machine is off, the address is wrong, or a firewall drops the packets',
    (port) => `is it on? is the address right? does a firewall let this machine in on port ${port}?`,
  ],
  [
    /No route to host|Host is down/,
    'there is no route to it',
    'a router, or this network when nobody answers for the address, says that the machine is not there',
    () => 'is it on, and is the address right? ping it from a machine beside it',
  ],
  [
    /Network is unreachable/,
    'this machine has no way to its network',
    'no route of this machine leads there: no network, no VPN, or an IPv6 address without IPv6',
    () => 'ip route   (a VPN that is down?)',
  ],
  [
    /./,
    'connecting failed',
    'this machine, its firewall or its routes forbid the connection',
    (port) => `look for a rule about port ${port} on this machine: nft list ruleset; ip route`,
  ],
];

const connecting: Rule = (attempt, { words }) => {
  const said = line(words, CONNECT);
  const [, , port = '22', reason = ''] = (said === undefined ? null : CONNECT.exec(said)) ?? [];
  const found = said === undefined ? undefined : CONNECTING.find(([pattern]) => pattern.test(reason));
  if (found === undefined) return undefined;
  return unreachable(attempt, found[1], said, { why: found[2], try: found[3](port) });
};

const resolving: Rule = (attempt, { words }) => {
  const said = line(words, /^ssh: Could not resolve hostname /);
  if (said === undefined) return undefined;
  const temporary = /Temporary failure/.test(said);
  return unreachable(
    attempt,
    temporary ? 'its name cannot be looked up at the moment' : 'nobody knows its name',
    said,
    {
      why: temporary
        ? 'the resolver of this machine does not answer'
        : 'it is neither in DNS, nor in /etc/hosts, nor an alias in your ssh_config',
      try: temporary
        ? `getent hosts ${attempt.target.address}; cat /etc/resolv.conf`
        : 'write its IP address as `address` in cluster.yaml',
    },
  );
};

const silent: Rule = (attempt, { words }) => {
  const said = line(words, /timed out during banner exchange/);
  if (said === undefined) return undefined;
  return unreachable(attempt, 'it takes the connection and then says nothing', said, {
    why: 'sshd hangs or the machine is too busy to start it; a disk that hangs and a proxy without a backend look the same',
    try: `on its console: uptime; systemctl status ssh   from here: ${asTyped(attempt.target, '-v')}`,
  });
};

const busy: Rule = (attempt, { banner, words }) => {
  const said = banner.find((text) => /Exceeded MaxStartups|Not allowed at this time/.test(text));
  if (said !== undefined) {
    return {
      code: 'ssh/busy',
      summary: `${called(attempt.target)} takes no more connections at the moment`,
      saw: said,
      why: said.startsWith('Not allowed')
        ? 'its sshd punishes this address for logins that failed (PerSourcePenalties)'
        : 'too many are logging in at once (MaxStartups of its sshd, 10:30:100 as it comes)',
      try: 'wait half a minute and run it again; who is it: journalctl -u ssh on the host',
    };
  }
  const closed = line(
    words,
    /^(kex|ssh)_exchange_identification: (read: )?(Connection (closed|reset)|Broken pipe)/,
  );
  if (closed === undefined || banner.length > 0) return undefined;
  return {
    code: 'ssh/busy',
    summary: `${called(attempt.target)} hung up before it said a word`,
    saw: closed,
    why: 'its sshd has too many connections, bars this address (fail2ban, hosts.deny), or is just going down',
    try: 'wait half a minute and run it again; then on its console: journalctl -u ssh -n 20',
  };
};

const notSsh: Rule = (attempt, { banner, port }) => {
  const said = banner[0];
  if (said === undefined) return undefined;
  return {
    code: 'ssh/not-ssh',
    summary: `what answers at ${called(attempt.target)} is not SSH`,
    saw: said,
    why: `something else listens on port ${port ?? attempt.target.port ?? 22}`,
    try: 'name the port sshd listens on: ssh.port in cluster.yaml, or Port in your ssh_config',
  };
};

const KINDS: Readonly<Record<string, string>> = {
  'key exchange method': 'KexAlgorithms',
  cipher: 'Ciphers',
  'host key type': 'HostKeyAlgorithms',
  MAC: 'MACs',
};

const noCommon: Rule = (attempt, { words }) => {
  const said = line(words, /^Unable to negotiate with .*: no matching .* found/);
  if (said === undefined) return undefined;
  const [, kind = '', offer = ''] = /no matching (.+?) found\.(?: Their offer: (.*))?/.exec(said) ?? [];
  return {
    code: 'ssh/no-common-algorithm',
    summary: `${called(attempt.target)} and this machine's ssh have no ${kind} in common`,
    saw: `it offers: ${offer}`,
    why: 'one of the two is much older, or one has been narrowed by hand',
    try: `bring the older one up to date; until then, for this host alone, in your ssh_config: ${KINDS[kind] ?? 'Ciphers'} +${offer.split(',')[0] ?? ''}`,
  };
};

const broken: Rule = (attempt, trail: Trail) => {
  if (trail.authenticated) return undefined;
  const said = line(
    trail.words,
    /^Connection (to|closed|reset)|timed out|Broken pipe|^ssh_dispatch_run_fatal/,
  );
  if (said === undefined || /Permission denied/.test(trail.words.join('\n'))) return undefined;
  return unreachable(attempt, 'the connection broke while logging in', said, {
    why:
      trail.hostKey === undefined
        ? 'a firewall or a path that loses large packets (MTU) does this'
        : 'its sshd ended, or the network did',
    try: `run it again; if it stays so: ${asTyped(attempt.target, '-v')}`,
  });
};

/** Troubles of the way to the host, up to its saying that it speaks SSH. */
export const NETWORK: readonly Rule[] = [connecting, resolving, silent, busy, notSsh, noCommon];

/** What is left when nobody has a better word: the connection was there and went. */
export const BROKEN: readonly Rule[] = [broken];
