import type { Attempt, Rule, Verdict } from './attempt.ts';
import { called, lastLines, line } from './attempt.ts';
import type { Trail } from './trail.ts';

/** Whether the trouble was on the way: there is one, and the host itself said nothing yet. */
function onTheWay({ proxy, hostKey, banner }: Trail): boolean {
  return proxy !== undefined && hostKey === undefined && banner.length === 0;
}

function hop(jumps: readonly string[], stderr: string): string {
  const last = jumps.at(-1) ?? '';
  if (jumps.length === 1) return `the jump host ${last}`;
  const named = jumps.find((jump) => stderr.includes(`${jump.replace(/^.*@/, '').replace(/:\d+$/, '')}:`));
  return named === undefined ? `one of the jump hosts ${jumps.join(', ')}` : `the jump host ${named}`;
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
    if (trail.jumps.length === 0) {
      return {
        code: 'ssh/proxy-command',
        summary: `the ProxyCommand to ${called(target)} failed`,
        saw: [lastLines(stderr), `it was: ${trail.proxy ?? ''}`].filter((text) => text !== '').join('\n'),
        why: 'your ssh_config says that this host is reached through that command',
        try: 'run the command by hand: it should print a line beginning with SSH-2.0',
      };
    }
    const name = hop(trail.jumps, stderr);
    const bare = (trail.jumps.at(-1) ?? '').replace(/^.*@/, '');
    const cause = explain({
      target: { name: bare, address: bare },
      status: 255,
      log: stderr,
      stdout: '',
      stderr: '',
    });
    const unknownKey = cause?.code === 'ssh/host-key-unknown';
    return {
      code: 'ssh/jump-host',
      summary: `${name}, on the way to ${called(target)}, fails: ${cause?.summary ?? 'it hung up'}`,
      ...(cause?.where === undefined ? {} : { where: cause.where }),
      saw: lastLines(stderr) || (line(trail.words, /./) ?? ''),
      ...(cause?.why === undefined ? {} : { why: cause.why }),
      try: unknownKey
        ? `landfall hosts trust ${target.name}   shows its key first`
        : (cause?.try ?? `ssh ${bare} true   should work first`),
    };
  };
}
