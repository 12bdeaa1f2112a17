import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Problem } from '../model/problem.ts';
import type { Attempt } from './failure/attempt.ts';
import { readTrail } from './failure/trail.ts';
import { explainFailure, lostBecause, mayHaveBegun, noAnswer, sshMissing } from './failure.ts';
import type { Target } from './target.ts';

const TARGET: Target = { name: 'cp-0', address: '10.0.0.11' };

/** Recorded from real runs of OpenSSH 9.2p1, sudo 1.9.13p3 and Debian 12, with file names made general. */
const RECORDED = new URL('./failure/recorded/', import.meta.url);

/** One record: what was provoked, the status, and the three texts. */
function recorded(name: string, target: Target = TARGET): Attempt {
  const text = readFileSync(new URL(`${name}.txt`, RECORDED), 'utf8');
  const [, status, log, stdout, stderr] =
    /^.*\nstatus (\d+)\n== log\n([\s\S]*)\n== stdout\n([\s\S]*)\n== stderr\n([\s\S]*)\n$/.exec(text) ?? [];
  if (stderr === undefined) throw new Error(`${name}.txt cannot be read`);
  return { target, status: Number(status), log: log ?? '', stdout: stdout ?? '', stderr };
}

const EXPECTED: Readonly<Record<string, readonly [code: string, summary: RegExp]>> = {
  refused: ['ssh/unreachable', /: it refuses the connection$/],
  'unknown-name': ['ssh/unreachable', /: nobody knows its name$/],
  'no-answer': ['ssh/unreachable', /: no answer$/],
  'no-route': ['ssh/unreachable', /: there is no route to it$/],
  'no-network': ['ssh/unreachable', /: this machine has no way to its network$/],
  prohibited: ['ssh/unreachable', /: connecting failed$/],
  silent: ['ssh/unreachable', /: it takes the connection and then says nothing$/],
  http: ['ssh/not-ssh', /^what answers at cp-0 \(10\.0\.0\.11\) is not SSH$/],
  'max-startups': ['ssh/busy', /takes no more connections at the moment$/],
  'no-kex': ['ssh/no-common-algorithm', /have no key exchange method in common$/],
  'no-cipher': ['ssh/no-common-algorithm', /have no cipher in common$/],
  'no-host-key-type': ['ssh/no-common-algorithm', /have no host key type in common$/],
  'key-unknown': ['ssh/host-key-unknown', /is not known to this machine yet; nothing was sent to it$/],
  'key-changed': ['ssh/host-key-changed', /is not the machine we knew/],
  'key-revoked': ['ssh/host-key-revoked', /marked as revoked/],
  'key-refused': ['ssh/key-refused', /does not take the key offered for refused$/],
  'agent-refused': ['ssh/key-refused', /takes none of the 2 keys offered for root$/],
  'too-many-keys': ['ssh/too-many-keys', /hung up after 6 keys, before the right one came$/],
  'agent-gone': ['ssh/no-agent', /the ssh agent is gone$/],
  'no-key': ['ssh/key-refused', /^there is no key to show to cp-0/],
  'no-key-file': ['ssh/key-refused', /^there is no key to show to cp-0/],
  'key-too-open': ['ssh/key-too-open', /can be read by others/],
  'key-locked': ['ssh/key-locked', /locked with a passphrase$/],
  'no-root-login': ['ssh/user-refused', /knows the key, but does not let root log in$/],
  'pam-nologin': ['ssh/not-yet', /is starting or stopping and lets only root in$/],
  'password-expired': ['ssh/password-expired', /wants a new password/],
  'bad-option': ['ssh/config', /: Bad configuration option: foo$/],
  'bad-value': ['ssh/config', /: Bad port 'x'$/],
  'no-config': ['ssh/config', /cannot be read$/],
  'bad-own-option': ['ssh/too-old', /too old/],
  'sudo-password': ['ssh/sudo-password', /^sudo on cp-0 \(10\.0\.0\.11\) wants a password from pw$/],
  'sudo-tty': ['ssh/sudo-tty', /only on a terminal$/],
  'not-sudoer': ['ssh/not-a-sudoer', /^ops may not become root/],
  'no-sudo': ['ssh/no-sudo', /we are ops, and it has no sudo$/],
  'sudo-no-setuid': ['ssh/no-sudo', /has no power to make us root$/],
  'sudo-disk-full': ['ssh/disk-full', /is full/],
  nologin: ['ssh/no-shell', /^the user for cp-0 \(10\.0\.0\.11\) has no shell there$/],
  'false-shell': ['ssh/no-shell', /let us in and then ran no shell$/],
  'forced-command': ['ssh/no-shell', /let us in and then ran no shell$/],
  'jump-refused': [
    'ssh/jump-host',
    /^the jump host bastion, on the way to cp-0 .* fails: it takes no key of ours for refused$/,
  ],
  'jump-down': [
    'ssh/jump-host',
    /^the jump host badbastion, .* fails: it cannot be reached: it refuses the connection$/,
  ],
  'jump-unknown': [
    'ssh/jump-host',
    /^the jump host unkbastion, .* fails: it is not known to this machine yet/,
  ],
  'second-jump-down': [
    'ssh/jump-host',
    /^the jump host badbastion cannot be reached from the jump host goodbastion: Connection refused$/,
  ],
  'behind-jump': [
    'ssh/unreachable',
    /^cp-0 .* cannot be reached from the jump host goodbastion: Connection refused$/,
  ],
  'behind-jump-name': ['ssh/unreachable', /from the jump host goodbastion: Name or service not known$/],
  'jump-closed': ['ssh/jump-host', /^the jump host b does not let us through to cp-0/],
  'proxy-missing': ['ssh/proxy-command', /^the ProxyCommand to cp-0 .* failed$/],
  'proxy-no-answer': ['ssh/unreachable', /: no answer through its ProxyCommand$/],
  'jump-no-answer': ['ssh/unreachable', /: no answer through the jump host hop$/],
  'proxy-silent': ['ssh/unreachable', /through its ProxyCommand: it hung up without a word$/],
};

describe('what ssh and sudo said is explained', () => {
  test('every record has an expectation', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(
      readdirSync(RECORDED)
        .map((file) => file.replace('.txt', ''))
        .sort(),
    );
  });

  test.each(Object.entries(EXPECTED))('%s', (name, [code, summary]) => {
    const problem = explainFailure(recorded(name));
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ code, host: 'cp-0', exit: 4, summary: expect.stringMatching(summary) });
    const all = [problem.summary, problem.saw, problem.why, problem.try];
    for (const text of all) expect(text).not.toMatch(/undefined|\[object|^\s*$|\s$/);
    expect(problem.summary).not.toContain('\n');
    expect(problem.summary).not.toMatch(/\.$/);
  });

  test('nothing it does not know is hidden', () => {
    const strange: Attempt = {
      target: TARGET,
      status: 254,
      log: 'debug1: x\nssh: kaboom',
      stdout: '',
      stderr: 'bang',
    };
    expect(explainFailure(strange)).toMatchObject({ code: 'ssh/failed', saw: 'ssh: kaboom\nbang', exit: 4 });
  });
});

describe('a refusal names', () => {
  test('the keys that were offered, and where they came from', () => {
    expect(explainFailure(recorded('agent-refused')).saw).toBe(
      [
        'offered: k1 SHA256:C8VE7pBQ5BO1jkVopH/+4EoSAzxUl8xRYm3qqIVF8jI (agent)',
        'offered: k2 SHA256:8TV9gX0Lvl7YIn76qxg7RCI/LJ+5udgveaSmVTAiMw0 (agent)',
        'root@127.0.0.1: Permission denied (publickey).',
      ].join('\n'),
    );
  });

  test('the file and line of a bad setting, and of the key that was known', () => {
    expect(explainFailure(recorded('bad-value')).where).toEqual({
      file: '/home/me/.ssh/badconf2',
      line: 2,
      column: 1,
    });
    expect(explainFailure(recorded('key-changed')).where).toMatchObject({
      file: '/home/me/.ssh/kh-changed',
      line: 1,
    });
  });

  test('a changed key with what to compare, and never how to be rid of the warning', () => {
    const { try: remedy = '', why, saw } = explainFailure(recorded('key-changed'));
    expect(saw).toBe('it shows ssh-ed25519 SHA256:nbpNMpW9UCEMXy8JuPigXyhdIKrLaedHaR3Fj9rF/EU');
    expect(why).toContain('somebody stands between');
    expect(remedy).toMatch(/^compare at its console/);
    expect(remedy).not.toMatch(/-R|rm |remove|delete|StrictHostKeyChecking/);
  });

  test('a pinned key as pinned', () => {
    const pinned: Target = { ...TARGET, hostKey: 'ssh-ed25519 AAAA' };
    expect(explainFailure(recorded('key-changed', pinned)).summary).toContain('pinned in cluster.yaml');
    expect(explainFailure(recorded('key-unknown', pinned))).toMatchObject({ code: 'ssh/host-key-changed' });
  });

  test('the command to look with as the user would type it', () => {
    const target: Target = { ...TARGET, user: 'ops', port: 2222, config: 'a b/config' };
    expect(explainFailure(recorded('silent', target)).try).toContain(
      "ssh -F 'a b/config' -p 2222 -v ops@10.0.0.11",
    );
  });

  test('what a ProxyCommand said of the way, however it says it', () => {
    const silent = recorded('proxy-silent');
    const says = (stderr: string): Problem => explainFailure({ ...silent, stderr });
    expect(says('ssh: connect to host 10.0.0.11 port 22: No route to host')).toMatchObject({
      code: 'ssh/unreachable',
      summary: 'cp-0 (10.0.0.11) cannot be reached: there is no route to it',
      saw: 'ssh: connect to host 10.0.0.11 port 22: No route to host\nthrough: false',
    });
    expect(says('nc: connect to 10.0.0.11 port 22 (tcp) failed: Connection refused')).toMatchObject({
      code: 'ssh/unreachable',
      summary: 'cp-0 (10.0.0.11) cannot be reached through its ProxyCommand: connection refused',
    });
  });

  test('what nobody answered through, and nothing that was said on the way is lost', () => {
    const command = explainFailure(recorded('proxy-no-answer'));
    expect(command.saw).toBe('Connection timed out during banner exchange\nthrough: sleep 100');
    const jump = recorded('jump-no-answer');
    expect(explainFailure(jump).try).toMatch(/^ssh hop true .* 10\.0\.0\.11/);
    const said = 'ssh: connect to host hop port 22: Connection timed out';
    expect(explainFailure({ ...jump, stderr: said })).toMatchObject({
      code: 'ssh/jump-host',
      summary: expect.stringContaining(
        'the jump host hop, on the way to cp-0 (10.0.0.11), fails: it cannot be reached',
      ),
      saw: said,
    });
    expect(explainFailure({ ...jump, stderr: 'Authorised use only' }).saw).toContain('Authorised use only');
  });

  test('the group that makes sudo ask', () => {
    const attempt = recorded('sudo-password');
    const stderr = attempt.stderr.replace('groups=2002(pw)', 'groups=2002(pw),27(sudo)');
    expect(explainFailure({ ...attempt, stderr }).why).toContain('is in the group sudo, which asks for one');
    expect(explainFailure(attempt).why).toContain('in no group that usually is');
  });
});

describe('a loss', () => {
  const log = 'debug1: Sending command: exec sh\nTimeout, server 10.0.0.11 not responding.\n';

  test('is told in ssh’s words, from wherever it said them', () => {
    const attempt: Attempt = { target: TARGET, status: 255, log, stdout: '', stderr: '' };
    expect(lostBecause(attempt)).toBe('Timeout, server 10.0.0.11 not responding');
    const stderr = 'a script that says much\r\nConnection to 10.0.0.11 closed by remote host.\r\n';
    expect(lostBecause({ ...attempt, log: '', stderr })).toBe(
      'Connection to 10.0.0.11 closed by remote host',
    );
    expect(lostBecause({ ...attempt, log: '', stderr: 'its own words' })).toBe('ssh ended with 255');
  });

  test('after the command was sent may have begun something; before, not', () => {
    const attempt: Attempt = { target: TARGET, status: 255, log, stdout: '', stderr: '' };
    expect(mayHaveBegun(attempt)).toBe(true);
    expect(
      mayHaveBegun({ ...attempt, log: 'debug1: mux_client_request_session: master session id: 2' }),
    ).toBe(true);
    expect(mayHaveBegun({ ...attempt, status: 1 })).toBe(false);
    expect(mayHaveBegun(recorded('key-refused'))).toBe(false);
  });
});

test('ssh’s log is read whatever its line ends', () => {
  const trail = readTrail('debug1: Connecting to a [10.0.0.1] port 2222.\r\nssh: word\r\n\r\n');
  expect(trail).toMatchObject({
    port: 2222,
    words: ['ssh: word'],
    offered: [],
    jumps: [],
    authenticated: false,
  });
});

test('there is a word for no ssh and for no answer', () => {
  expect(sshMissing(TARGET)).toMatchObject({ code: 'ssh/not-installed', exit: 4, host: 'cp-0' });
  const attempt: Attempt = { target: TARGET, status: 137, log: '', stdout: 'Enter your name:', stderr: '' };
  expect(noAnswer(attempt, 60)).toMatchObject({ code: 'ssh/slow-login', saw: 'Enter your name:' });
});
