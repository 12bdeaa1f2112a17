import { Problem } from '../model/problem.ts';
import { type Attempt, type Rule, type Verdict, asTyped, called, lastLines } from './failure/attempt.ts';
import { HOST_KEY } from './failure/host-key.ts';
import { wayThere } from './failure/jump.ts';
import { LOGIN } from './failure/login.ts';
import { BROKEN, NETWORK } from './failure/network.ts';
import { ROOT } from './failure/root.ts';
import { SETUP } from './failure/setup.ts';
import { readTrail } from './failure/trail.ts';
import type { Target } from './target.ts';

const DIRECT: readonly Rule[] = [...SETUP, ...HOST_KEY, ...NETWORK, ...LOGIN, ...ROOT, ...BROKEN];

function verdict(attempt: Attempt, rules: readonly Rule[]): Verdict | undefined {
  const trail = readTrail(attempt.log);
  for (const rule of rules) {
    const found = rule(attempt, trail);
    if (found !== undefined) return found;
  }
  return undefined;
}

const ALL: readonly Rule[] = [...SETUP, wayThere((attempt) => verdict(attempt, DIRECT)), ...DIRECT];

/** Says what kept us from a root shell on a host, in the user's terms. Pure: it reads what was said, and asks nobody. */
export function explainFailure(attempt: Attempt): Problem {
  const { target } = attempt;
  const found = verdict(attempt, ALL) ?? {
    code: 'ssh/failed',
    summary: `no root shell on ${called(target)}: ssh ended with ${attempt.status}`,
    saw: lastLines(`${attempt.log.replaceAll(/^debug.*\n?/gm, '')}\n${attempt.stderr}\n${attempt.stdout}`),
    try: `see for yourself: ${asTyped(target, '-v')}`,
  };
  return new Problem({ ...found, host: target.name, exit: 4 });
}

/** Whether the script may have begun although its mark never came back: then nobody can say that nothing was done. */
export function mayHaveBegun(attempt: Attempt): boolean {
  const trail = readTrail(attempt.log);
  return attempt.status === 255 && trail.commanded;
}

/** How the connection was lost, in ssh's own words; some of them ssh says among the script's. */
export function lostBecause({ log, stderr, status }: Attempt): string {
  const words = [...stderr.split(/\r?\n/), ...readTrail(log).words];
  const said = words.findLast((word) =>
    /^Connection \S+ .*(closed|reset)|^Timeout, server|^client_loop: |^Received disconnect|Broken pipe/.test(
      word,
    ),
  );
  return said?.trim().replace(/\.$/, '') ?? `ssh ended with ${status}`;
}

/** There is no ssh on this machine. */
export function sshMissing(target: Target): Problem {
  return new Problem({
    code: 'ssh/not-installed',
    summary: 'OpenSSH is not installed on this machine',
    why: 'Landfall reaches hosts through the ssh you already use, with its keys, agents and jump hosts',
    try: 'apt-get install openssh-client   (dnf install openssh-clients, apk add openssh-client)',
    host: target.name,
    exit: 4,
  });
}

/** We were let in, and no shell answered in time. */
export function noAnswer(attempt: Attempt, seconds: number): Problem {
  return new Problem({
    code: 'ssh/slow-login',
    summary: `no shell on ${called(attempt.target)} within ${seconds} s`,
    saw: lastLines(`${attempt.stderr}\n${attempt.stdout}`) || 'it said nothing',
    why: 'its start-up files (~/.bashrc, /etc/profile.d) wait for something or read our input, PAM or a directory service hangs, or a security key waits to be touched',
    try: `time ${asTyped(attempt.target)} true`,
    host: attempt.target.name,
    exit: 4,
  });
}
