import type { Attempt, Rule, Verdict } from './attempt.ts';
import type { Target } from '../target.ts';
import { asTyped, called, lastLines, line } from './attempt.ts';
import type { Trail } from './trail.ts';

/** Whether the trouble was on the way: there is one, and the host itself said nothing yet. */
function onTheWay({ proxy, hostKey, banner }: Trail): boolean {
  return proxy !== undefined && hostKey === undefined && banner.length === 0;
}

/** A jump host as a host of its own, found by the target's configuration. */
function hopTarget(name: string, { config }: Target): Target {
  return { name, address: name, ...(config === undefined ? {} : { config }) };
}

/** A jump host's own name, as written in ssh_config or after `-J`. */
function bareName(jump: string): string {
  return jump.replace(/^.*@/, '').replace(/:\d+$/, '');
}

/** Which of the jump hosts it was, as far as what was said tells. */
function hop(jumps: readonly string[], stderr: string): { readonly name: string; readonly bare: string } {
  const last = bareName(jumps.at(-1) ?? '');
  const bare = jumps.length === 1 ? last : jumps.map(bareName).find((jump) => stderr.includes(`${jump}:`));
  return bare === undefined
    ? { name: `one of the jump hosts ${jumps.join(', ')}`, bare: last }
    : { name: `the jump host ${bare}`, bare };
}

const FORWARD = /^channel \d+: open failed: (.+)$/;

/** The jump host was reached, and did not get any further. */
function beyond({ target, stderr }: Attempt, { jumps }: Trail): Verdict | undefined {
  const said = line(stderr, FORWARD);
  if (said === undefined) return undefined;
  const reason = FORWARD.exec(said)?.[1] ?? '';
  // Behind a hop that could not go on, the next hop's own ssh says that it was hung up on.
  const broken = jumps.length > 1 && /Connection closed by UNKNOWN/.test(stderr);
  const from = broken ? (jumps.at(-2) ?? '') : (jumps.at(-1) ?? 'the jump host');
  const to = broken ? `the jump host ${jumps.at(-1) ?? ''}` : called(target);
  if (/administratively prohibited/.test(reason)) {
    return {
      code: 'ssh/jump-host',
      summary: `the jump host ${from} does not let us through to ${to}`,
      saw: said,
      why: 'its sshd forbids forwarding (AllowTcpForwarding, DisableForwarding, PermitOpen)',
      try: `in sshd_config of ${from}: AllowTcpForwarding yes`,
    };
  }
  return {
    code: broken ? 'ssh/jump-host' : 'ssh/unreachable',
    summary: `${to} cannot be reached from the jump host ${from}: ${reason.replace(/^connect failed: /, '')}`,
    saw: said,
    why: `${from} itself was reached and let us in`,
    try: `ssh ${from}   and from there look for ${broken ? (jumps.at(-1) ?? '') : target.address}: is it on, is the port right?`,
  };
}

/** Nothing came until the time was over. Who of all those on the way kept silent, nobody this side of them can tell. */
function silence({ target, stderr }: Attempt, { words, jumps, proxy }: Trail): Verdict | undefined {
  const said = line(words, /timed out during banner exchange/);
  if (said === undefined) return undefined;
  const isJump = jumps.length > 0;
  const between = isJump
    ? `the jump host${jumps.length > 1 ? 's' : ''} ${jumps.join(', ')}`
    : 'its ProxyCommand';
  return {
    code: 'ssh/unreachable',
    summary: `${called(target)} cannot be reached: no answer through ${between}`,
    saw: [lastLines(stderr), said, `through: ${proxy ?? ''}`].filter((text) => text !== '').join('\n'),
    why: `the host is off, its address is wrong, a firewall drops the packets, or its sshd hangs${isJump ? '; or a jump host does' : ''}: from here these look the same`,
    try: isJump
      ? `${asTyped(hopTarget(jumps[0] ?? '', target))} true   tells whether it is the jump host; from there look for ${target.address}: is it on, is the port right?`
      : 'is it on, and is the address right? then run the command by hand: it should print a line beginning with SSH-2.0',
  };
}

const NO_WAY =
  /Connection refused|timed out|No route to host|Host is down|Network is unreachable|Could not resolve/i;

/** A ProxyCommand that did not bring us to the host's sshd. */
function command(
  attempt: Attempt,
  trail: Trail,
  explain: (attempt: Attempt) => Verdict | undefined,
): Verdict {
  const { target, stderr } = attempt;
  const saw = [lastLines(stderr), `through: ${trail.proxy ?? ''}`].filter((text) => text !== '').join('\n');
  // Some say it as ssh would.
  const cause = explain({ target, status: 255, log: stderr, stdout: '', stderr: '' });
  if (cause?.code === 'ssh/unreachable') return { ...cause, saw };
  const silent = silence(attempt, trail);
  if (silent !== undefined) return silent;
  const said = line(stderr, NO_WAY);
  if (said !== undefined || stderr.trim() === '') {
    return {
      code: 'ssh/unreachable',
      summary: `${called(target)} cannot be reached through its ProxyCommand: ${NO_WAY.exec(said ?? '')?.[0].toLowerCase() ?? 'it hung up without a word'}`,
      saw,
      why: 'the host is off, still starting, or has another address or port; or the command does not lead there',
      try: 'run the command by hand: it should print a line beginning with SSH-2.0',
    };
  }
  return {
    code: 'ssh/proxy-command',
    summary: `the ProxyCommand to ${called(target)} failed`,
    saw,
    why: 'your ssh_config says that this host is reached through that command',
    try: 'run the command by hand: it should print a line beginning with SSH-2.0',
  };
}

/**
 * Troubles of a ProxyJump or ProxyCommand. What a jump host's own ssh said is explained by the same rules as ours.
 * @param explain what recognises everything else.
 */
export function wayThere(explain: (attempt: Attempt) => Verdict | undefined): Rule {
  return (attempt, trail) => {
    if (!onTheWay(trail)) return undefined;
    const { target, stderr } = attempt;
    const forwarded = beyond(attempt, trail);
    if (forwarded !== undefined) return forwarded;
    if (trail.jumps.length === 0) return command(attempt, trail, explain);
    const { name, bare } = hop(trail.jumps, stderr);
    const hopped = hopTarget(bare, target);
    // A jump host's ssh keeps its log to itself: which keys it offered is not known.
    const denied = /^(\S+)@\S+: Permission denied \(/m.exec(stderr);
    const cause = explain({ target: hopped, status: 255, log: stderr, stdout: '', stderr: '' });
    const silent = denied === null && cause === undefined ? silence(attempt, trail) : undefined;
    if (silent !== undefined) return silent;
    const what =
      denied === null
        ? (cause?.summary ?? 'it hung up')
        : `it takes no key of ours for ${denied[1] ?? 'the user'}`;
    return {
      code: 'ssh/jump-host',
      summary: `${name}, on the way to ${called(target)}, fails: ${what.replace(`${bare} `, 'it ')}`,
      ...(cause?.where === undefined ? {} : { where: cause.where }),
      saw: lastLines(stderr) || (line(trail.words, /./) ?? ''),
      why:
        denied === null
          ? (cause?.why ?? 'it has to let us in first')
          : 'a jump host has users and keys of its own: ssh.user and ssh.identityFile are for the nodes',
      try:
        cause?.try !== undefined && cause.code.startsWith('ssh/host-key')
          ? cause.try.replace(`hosts trust ${bare}`, `hosts trust ${target.name}`)
          : `${asTyped(hopped, '-v')} true   should work first; its user, port and key belong into your ssh_config`,
    };
  };
}
