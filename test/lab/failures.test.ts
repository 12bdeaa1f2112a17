import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import type { Fault } from '../../src/lab/fault.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/run/event.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  type Ended,
  freshLab,
  landfall,
  put,
  start,
  well,
  wellOnHost,
} from './harness.ts';
import { holds } from './held-lock.ts';
import { eventually, live, wellAgain } from './live.ts';
import { DEEPER, THOROUGH } from '../thorough.ts';

/*
 * What goes wrong for users, provoked for real: each has a message of its own, says what to do about it, ends with the right
 * number, and shows no stack. Almost all of it happens to one host before it has a cluster; what caused it is put right each
 * time, and the last test makes the cluster.
 */

const NAME = 'test-failures';
const HOST = 'cp-0';

/** A file that is swapped to. A lab host has a list of swap of its own, as the real one is the machine's: here that one is meant. */
const SWAP = {
  by: 'umount /proc/swaps 2>/dev/null || :; dd if=/dev/zero of=/swapfile bs=1M count=8 status=none; chmod 600 /swapfile; mkswap -q /swapfile; swapon /swapfile',
  mend: 'swapoff /swapfile; rm -f /swapfile; [ ! -e /run/lab-swaps ] || mount --bind /run/lab-swaps /proc/swaps',
};

let lab: Lab;
let place: Desk;

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', clusterYaml(lab));
});

afterAll(() => cleared(NAME, place));

/** What a failure must be told as. */
interface Told {
  readonly exit: number;
  readonly code: string;
  /** What only this failure says. */
  readonly says: RegExp;
}

const STACK = /^\s+at .*(:\d+:\d+\)?|node:internal)/m;

/** The message of one code, without the line breaks a terminal's width puts in; empty when there is none. */
function message(text: string, code: string): string {
  const all = text.split(/^(?=error\[)/m).find((one) => one.startsWith(`error[${code}]`)) ?? '';
  return all.replace(/\s+/g, ' ');
}

/** One message of its own, a remedy in it, the right number, no stack. */
function expectTold(ended: Ended, { exit, code, says }: Told): void {
  const text = `${ended.stderr}\n${ended.stdout}`;
  expect(text).not.toMatch(STACK);
  const said = message(ended.stderr, code);
  expect(said, text).not.toBe('');
  expect(said).toMatch(says);
  expect(said).toMatch(/ try:? +\S/);
  expect(ended.status).toBe(exit);
}

const byHand = (script: string): Promise<string> => wellOnHost(lab, HOST, script);
const fault = (one: Fault): Promise<string> => breakLab(NAME, one);

/** Lets something be wrong while something is looked at, and puts it right again whatever comes of it. */
async function during(
  wrong: () => Promise<unknown>,
  right: () => Promise<unknown>,
  look: () => Promise<void>,
) {
  try {
    await wrong();
    await look();
  } finally {
    await right();
  }
}

/** A cluster.yaml that differs from the lab's in this. */
const variant = (name: string, change: (text: string) => string): string =>
  put(place, name, change(clusterYaml(lab)));

describe('the command line, with nothing behind it', () => {
  test.each<[string, readonly string[], Told]>([
    ['an unknown flag', ['plan', '--frobnicate'], { exit: 2, code: 'usage', says: /no flag --frobnicate/ }],
    ['an unknown command', ['aplly'], { exit: 2, code: 'usage', says: /did you mean apply/ }],
    [
      'a flag without its value',
      ['plan', '--only'],
      { exit: 2, code: 'usage', says: /--only needs a value/ },
    ],
    ['a word too many', ['plan', 'a', 'b'], { exit: 2, code: 'usage', says: /one word too many/ }],
    [
      'no cluster file',
      ['plan', '-f', 'nope.yaml'],
      { exit: 2, code: 'file/missing', says: /landfall init/ },
    ],
    [
      'a folder as cluster file',
      ['plan', '-f', '/'],
      { exit: 2, code: 'file/directory', says: /is a directory/ },
    ],
    [
      'an empty cluster file',
      ['plan', '-f', '/dev/null'],
      { exit: 2, code: 'file/empty', says: /says nothing/ },
    ],
    [
      'a saved plan that is not there',
      ['apply', 'no.plan'],
      { exit: 2, code: 'plan/file', says: /plan --out/ },
    ],
    ['a yes nobody can give', ['apply'], { exit: 2, code: 'ask/nobody', says: /apply --yes/ }],
    [
      'a part nothing has, before anything is asked',
      ['apply', '--only', 'nonsense'],
      { exit: 2, code: 'only/unknown', says: /landfall explain lists them all/ },
    ],
    [
      'a node nothing has',
      ['apply', '--node', 'nonsense'],
      { exit: 2, code: 'node/unknown', says: /one of: cp-0/ },
    ],
    [
      'a name nobody can type',
      ['reset'],
      { exit: 2, code: 'reset/unsure', says: /--cluster test-failures --yes/ },
    ],
  ])('%s', async (_, args, told) => {
    expectTold(await landfall(place, ...args), told);
  });

  test('a cluster.yaml that is not YAML, and one that is not UTF-8', async () => {
    put(place, 'torn.yaml', 'a: [');
    expectTold(await landfall(place, 'plan', '-f', 'torn.yaml'), {
      exit: 2,
      code: 'yaml/syntax',
      says: /torn\.yaml:1:4/,
    });
    writeFileSync(join(place.dir, 'latin.yaml'), Buffer.from('name: caf\xe9\n', 'latin1'));
    expectTold(await landfall(place, 'plan', '-f', 'latin.yaml'), {
      exit: 2,
      code: 'file/not-utf8',
      says: /iconv/,
    });
  });

  test('XDG folders in which nothing can be made', async () => {
    // Sockets go elsewhere; the record of a run has no other place, and nothing is begun without it.
    const sockets = { ...place, env: { ...place.env, XDG_RUNTIME_DIR: '/proc' } };
    expect((await landfall(sockets, 'plan', '--only', 'preflight/root', '--exit-code')).status).toBe(0);
    const state = { ...place, env: { ...place.env, XDG_STATE_HOME: '/proc' } };
    const told = { exit: 1, code: 'file/system', says: /\/proc\/landfall .*nobody can make a folder there/ };
    expectTold(await landfall(state, 'lab', 'up', '--name', 'test-failures-proc'), told);
    const file = variant('away.yaml', (text) =>
      text.replace(/^lab: .*$/m, `ssh: { config: ${lab.sshConfig} }`),
    );
    expectTold(await landfall(state, 'apply', '--yes', '-f', file, '--only', 'prepare'), told);
    expect((await byHand('ls -d /var/lib/landfall 2>/dev/null || :')).trim()).toBe('');
  });

  test('a place that cannot be written to', async () => {
    expectTold(await landfall(place, 'runbook', '--out', '/dev/null/book.md'), {
      exit: 1,
      code: 'file/system',
      says: /\/dev\/null\/book\.md .*a file, not a folder/,
    });
  });

  test('a reader who goes away is no failure', async () => {
    const main = resolve('dist/bin/main.js');
    const child = spawn(
      'sh',
      ['-c', `{ "$1" "$2" runbook; echo "ended with $?" >&2; } | head -n 1`, 'sh', process.execPath, main],
      {
        cwd: place.dir,
        env: place.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let said = '';
    let read = '';
    child.stdout.on('data', (chunk) => (read += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    await new Promise((done) => child.on('close', done));
    expect(read.split('\n')).toHaveLength(2);
    expect(said).toBe('ended with 0\n');
  });

  test('without HOME, on a narrow terminal, in a locale that knows no signs', async () => {
    const { HOME: _, ...homeless } = place.env;
    expect((await landfall({ ...place, env: homeless }, 'validate')).status).toBe(0);
    const narrow = { ...place, env: { ...place.env, COLUMNS: '40', LC_ALL: 'C' } };
    const ended = await landfall(narrow, 'plan', '-f', 'nope.yaml');
    expectTold(ended, { exit: 2, code: 'file/missing', says: /nope\.yaml/ });
    expect(ended.stderr).not.toMatch(/[^\n\x20-\x7e]/);
  });
});

describe('the way to the host', () => {
  test.each<[string, (text: string) => string, Told]>([
    [
      'nothing listens on the port',
      (text) => `${text}ssh: { port: 2222 }\n`,
      { exit: 4, code: 'ssh/unreachable', says: /refuses the connection.*ssh\.port in cluster\.yaml/ },
    ],
    [
      'nobody has the name',
      (text) => text.replace(/address: [\d.]+/, 'address: no-such-host.invalid'),
      { exit: 4, code: 'ssh/unreachable', says: /nobody knows its name/ },
    ],
    [
      'nobody has the address',
      (text) => text.replace(/address: ([\d.]+)\.\d+/, 'address: $1.99'),
      { exit: 4, code: 'ssh/unreachable', says: /\.99/ },
    ],
    [
      'the key is refused',
      (text) => `${text}ssh: { user: backup }\n`,
      { exit: 4, code: 'ssh/key-refused', says: /offered: .*SHA256:.*authorized_keys/ },
    ],
    [
      'sudo wants a password',
      (text) => `${text}ssh: { user: deploy }\n`,
      { exit: 4, code: 'ssh/sudo-password', says: /wants a password from deploy.*NOPASSWD/ },
    ],
  ])('%s', async (what, change, told) => {
    const file = variant(`${what.replaceAll(' ', '-')}.yaml`, change);
    expectTold(await landfall(place, 'plan', '-f', file), told);
  });

  test('a user who may not use sudo, and no sudo at all', async () => {
    const file = variant('plain.yaml', (text) => `${text}ssh: { user: plain }\n`);
    await byHand(
      'useradd -m -s /bin/bash plain; install -d -m 700 -o plain -g plain ~plain/.ssh; install -m 600 -o plain -g plain /root/.ssh/authorized_keys ~plain/.ssh/authorized_keys',
    );
    await during(
      async () => undefined,
      () =>
        byHand(
          '[ ! -e /usr/bin/sudo.away ] || mv /usr/bin/sudo.away /usr/bin/sudo; userdel -r plain 2>/dev/null',
        ),
      async () => {
        expectTold(await landfall(place, 'plan', '-f', file), {
          exit: 4,
          code: 'ssh/sudo-password',
          says: /not in sudoers at all, and plain is in no group/,
        });
        await byHand('mv /usr/bin/sudo /usr/bin/sudo.away');
        expectTold(await landfall(place, 'plan', '-f', file), {
          exit: 4,
          code: 'ssh/no-sudo',
          says: /no way to root.*apt-get install sudo/,
        });
      },
    );
  });

  test('a host key that is unknown, and one that has changed', async () => {
    const folder = join(place.dir, 'keys');
    mkdirSync(folder);
    const config = readFileSync(lab.sshConfig, 'utf8');
    const known = /UserKnownHostsFile "?([^"\n]+)"?/.exec(config)?.[1] ?? '';
    const mine = join(folder, 'known_hosts');
    writeFileSync(join(folder, 'config'), config.replaceAll(known, mine));
    const file = variant('keys.yaml', (text) => `${text}ssh: { config: ${join(folder, 'config')} }\n`);
    writeFileSync(mine, '');
    expectTold(await landfall(place, 'plan', '-f', file), {
      exit: 4,
      code: 'ssh/host-key-unknown',
      says: /landfall hosts trust/,
    });
    const other = readFileSync(known, 'utf8').replaceAll(/(ssh-ed25519 \S{30})\S{4}/g, '$1AAAA');
    writeFileSync(mine, other);
    expectTold(await landfall(place, 'plan', '-f', file), {
      exit: 4,
      code: 'ssh/host-key-changed',
      says: /known_hosts/,
    });
  });

  test('the host is off', async () => {
    await during(
      () => fault({ is: 'power-cut', host: HOST }),
      () => fault({ is: 'start', host: HOST }),
      async () =>
        expectTold(await landfall(place, 'plan'), {
          exit: 4,
          code: 'ssh/unreachable',
          says: /cannot be reached: (there is no route to it|no answer).*through: nsenter/,
        }),
    );
  });

  // A minute until it is given up; transport/loss.test.ts loses connections faster.
  test.runIf(THOROUGH)('the cable is pulled in the middle of a plan', async () => {
    // One of the programs a reading runs does not come back until the cable is out; once, whatever becomes of this test.
    const slow = '/usr/local/sbin/dpkg-query';
    await byHand(
      `printf '%s\\n' '#!/bin/sh' 'rm "$0"; echo $$ >/run/in-a-plan' 'exec sleep 300' >${slow}; chmod +x ${slow}`,
    );
    await during(
      async () => undefined,
      async () => {
        await fault({ is: 'link-up', host: HOST });
        // A neighbour that was away is not found again at once.
        await wellAgain(lab, HOST);
        await byHand(`kill "$(cat /run/in-a-plan)" || :; rm -f ${slow} /run/in-a-plan`);
      },
      async () => {
        const { ended } = start(place, ['plan', '--only', 'packages']);
        await wellAgain(lab, HOST, '[ -s /run/in-a-plan ]');
        await fault({ is: 'link-down', host: HOST });
        expectTold(await ended, {
          exit: 4,
          code: 'ssh/unreachable',
          says: /cannot be reached: (there is no route to it|no answer)/,
        });
      },
    );
    expect((await well(place, 'plan', '--only', 'preflight/root', '--exit-code')).status).toBe(0);
  });
});

/** A part that listens: on a port, or on a socket. */
const listens = (unit: string, what: string): string =>
  `systemd-run -q --unit=${unit} --collect perl -MIO::Socket::INET -MIO::Socket::UNIX -e 'my $s = ${what} or die; sleep 1000'`;

describe('the repositories, before versions are chosen', () => {
  test.each<[string, Fault, RegExp]>([
    ['all are down', { is: 'depot-down' }, /Connection refused/],
    ['one has no such folder', { is: 'depot-missing', pattern: 'pkgs.k8s.io' }, /404 .*releases/],
    [
      'one is out of order',
      { is: 'depot-unavailable', pattern: 'download.opensuse.org' },
      /503 .*out of order/,
    ],
  ])('%s', async (_, wrong, says) => {
    await during(
      () => fault(wrong),
      () => fault({ is: 'heal' }),
      async () => expectTold(await landfall(place, 'plan'), { exit: 4, code: 'facts/repository', says }),
    );
    // Nothing was written that would look like a choice.
    expect((await landfall(place, 'apply', 'landfall.lock')).status).toBe(2);
  });
});

describe('the host, before anything is made', () => {
  /** What is wrong with it at once, how it is put right, and what each is told as. */
  const WRONG: readonly [string, string, string, RegExp][] = [
    [
      'preflight/ports',
      listens('squatter', 'IO::Socket::INET->new(LocalPort => 6443, Listen => 1)'),
      'systemctl stop squatter',
      /port 6443: perl.*ss -ltnp/,
    ],
    [
      'preflight/other-cluster',
      'mkdir -p /etc/kubernetes/pki; echo other >/etc/kubernetes/pki/ca.crt',
      'rm -rf /etc/kubernetes',
      /did not make: \/etc\/kubernetes\/pki\/ca\.crt.*kubeadm reset/,
    ],
    [
      'preflight/other-runtime',
      `mkdir -p /run/containerd; ${listens('other-runtime', 'IO::Socket::UNIX->new(Local => "/run/containerd/containerd.sock", Listen => 1)')}`,
      'systemctl stop other-runtime; rm -rf /run/containerd',
      /containerd\.sock.*apt-get purge/,
    ],
    [
      'preflight/cgroup',
      'cp -a /etc/landfall-lab /root/kept-lab; sed -i /^cgroup-v1/d /etc/landfall-lab',
      'mv /root/kept-lab /etc/landfall-lab',
      /unified_cgroup_hierarchy/,
    ],
    ['preflight/disk', '', '', /MiB free of.*du -xh/],
  ];

  test('everything that is wrong is told at once, nothing is changed, and each has its remedy', async () => {
    const hasV1 = (await byHand('grep -c ^cgroup-v1 /etc/landfall-lab || :')).trim() !== '0';
    const wrong = WRONG.filter(([code]) => code !== 'preflight/cgroup' || hasV1);
    await during(
      async () => {
        await byHand(wrong.map(([, by]) => by).join('\n'));
        await fault({ is: 'disk-full', host: HOST });
      },
      async () => {
        await fault({ is: 'disk-free', host: HOST });
        await byHand(wrong.map(([, , mend]) => mend).join('\n'));
      },
      async () => {
        const ended = await landfall(place, 'apply', '--yes');
        for (const [code, , , says] of wrong) expectTold(ended, { exit: 1, code, says });
        expect(ended.stderr.match(/^error\[/gm)).toHaveLength(wrong.length);
        expect(ended.stderr).toContain('Nothing was changed');
        expect((await byHand('ls -d /var/lib/landfall 2>/dev/null || :')).trim()).toBe('');
      },
    );
    expect((await well(place, 'plan', '--only', 'preflight')).status).toBe(0);
  });

  test.each<[string, string, string, RegExp]>([
    ['preflight/swap', SWAP.by, SWAP.mend, /swap on .*swapoff -a.*fstab/],
    ['names/hostname', 'hostname localhost', `hostname ${HOST}`, /hostnamectl hostname cp-0/],
  ])('what cluster.yaml leaves to the user is not as it must be: %s', async (code, by, mend, says) => {
    await during(
      async () => {
        put(place, 'cluster.yaml', clusterYaml(lab, 'host: { swap: refuse, hostname: keep }\n'));
        await byHand(by);
      },
      async () => {
        put(place, 'cluster.yaml', clusterYaml(lab));
        await byHand(mend);
      },
      async () =>
        expectTold(await landfall(place, 'apply', '--yes', '--only', code), { exit: 1, code, says }),
    );
  });
});

describe('while it is made', () => {
  const packages = ['apply', '--yes', '--only', 'prepare', '--only', 'packages'] as const;

  test.each<[string, Fault, Told]>([
    [
      'a repository is out of order',
      { is: 'depot-unavailable', pattern: 'pkgs.k8s.io' },
      { exit: 1, code: 'packages/kubernetes-key', says: /503 .*out of order/ },
    ],
    [
      'a signature is bad',
      { is: 'depot-unsigned', pattern: 'pkgs.k8s.io' },
      { exit: 1, code: 'packages/known', says: /BADSIG.*do not go on/ },
    ],
    [
      'a package has the wrong checksum',
      { is: 'depot-corrupt', pattern: 'pkgs.k8s.io/*kubelet*' },
      { exit: 1, code: 'packages/installed', says: /Hash Sum mismatch.*mirror/ },
    ],
    [
      'a package is not there',
      { is: 'depot-missing', pattern: 'pkgs.k8s.io/*kubelet*' },
      { exit: 1, code: 'packages/installed', says: /404 .*apt-get update/ },
    ],
  ])('%s', async (_, wrong, told) => {
    await during(
      () => fault(wrong),
      () => fault({ is: 'heal' }),
      async () => expectTold(await landfall(place, ...packages), told),
    );
  });

  test('the disk fills up in the middle of an installation; with room again it goes on', async () => {
    const run = live(place, NAME, ...packages);
    await during(
      async () => {
        await run.first((e) => e.is === 'step' && e.step === 'packages/installed' && e.state === 'making');
        await fault({ is: 'disk-full', host: HOST });
      },
      () => fault({ is: 'disk-free', host: HOST }),
      async () =>
        expectTold(await run.ended, { exit: 1, code: 'packages/installed', says: /the disk is full.*df -h/ }),
    );
    await well(place, ...packages);
  });

  test('another program installs packages: it is named and waited for, and apply goes on when it is done', async () => {
    const waiting = (step: string, lock: string) => (e: RunEvent) =>
      e.is === 'output' &&
      e.step === step &&
      /^waiting for process \d+ \(unattended-upgr\), which holds /.test(e.text) &&
      e.text.endsWith(lock);
    await during(
      () =>
        byHand(
          `apt-get -q -y --allow-change-held-packages purge kubectl >/dev/null; rm -f /var/lib/apt/lists/pkgs.k8s.io_*
          ${holds('lists-lock', '/var/lib/apt/lists/lock')}; ${holds('dpkg-lock', '/var/lib/dpkg/lock-frontend')}`,
        ),
      () => byHand('systemctl stop lists-lock dpkg-lock 2>/dev/null || :'),
      async () => {
        const run = live(place, NAME, ...packages);
        expect(await run.first(waiting('packages/known', '/var/lib/apt/lists/lock'))).toBeDefined();
        await byHand('systemctl stop lists-lock');
        expect(await run.first(waiting('packages/installed', '/var/lib/dpkg/lock-frontend'))).toBeDefined();
        await byHand('systemctl stop dpkg-lock');
        const ended = await run.ended;
        expect([ended.status, message(ended.stderr, 'packages/installed')]).toEqual([0, '']);
      },
    );
  });

  test.each<[string, string, string, string, RegExp]>([
    [
      'may not be changed by anybody (chattr +i)',
      'prepare/endpoint-name',
      'sed -i "/kept by Landfall/d" /etc/hosts; chattr +i /etc/hosts',
      'chattr -i /etc/hosts',
      /\/etc\/hosts.*Operation not permitted.*chattr \+i.*lsattr/,
    ],
    [
      'is a mount of its own',
      'prepare/endpoint-name',
      'sed -i "/kept by Landfall/d" /etc/hosts; cp /etc/hosts /run/hosts; mount --bind -o ro /run/hosts /etc/hosts',
      'umount /etc/hosts; rm -f /run/hosts',
      /\/etc\/hosts.*Device or resource busy.*mounted on that very file.*findmnt/,
    ],
    [
      'is in a folder that is mounted read-only',
      'packages/kubernetes-list',
      'rm -f /etc/apt/sources.list.d/kubernetes.list; mount --bind /etc/apt/sources.list.d /etc/apt/sources.list.d; mount -o remount,bind,ro /etc/apt/sources.list.d',
      'umount /etc/apt/sources.list.d',
      /Read-only file system.*findmnt -T/,
    ],
  ])('a file Landfall writes %s', async (_, code, wrong, right, says) => {
    await during(
      () => byHand(wrong),
      () => byHand(right),
      async () =>
        expectTold(await landfall(place, 'apply', '--yes', '--only', code), { exit: 1, code, says }),
    );
    await well(place, 'apply', '--yes', '--only', code);
  });

  test('an image is not there', async () => {
    await during(
      () => fault({ is: 'depot-missing', pattern: 'registry.k8s.io/coredns' }),
      () => fault({ is: 'heal' }),
      async () =>
        expectTold(await landfall(place, 'apply', '--yes'), {
          exit: 1,
          code: 'control-plane/images',
          says: /coredns.*registry has no such image/,
        }),
    );
  });

  test('after all of this, apply makes the cluster', async () => {
    await well(place, 'apply', '--yes');
    expect((await well(place, 'plan', '--exit-code')).status).toBe(0);
  });
});

describe('when there is a cluster', () => {
  /** Sends the API server's process signals: `STOP` hangs it as a program hangs, connections and all. */
  const signal = (script: string): Promise<string> =>
    byHand(
      `for p in /proc/[0-9]*; do if [ "$(cat "$p/comm" 2>/dev/null)" = kube-apiserver ]; then pid=\${p#/proc/}; fi; done\n${script}`,
    );
  const planned = async (): Promise<Plan> => JSON.parse((await well(place, 'plan', '--json')).stdout);
  const open = ({ hosts }: Plan) =>
    hosts.flatMap((host) => host.findings.filter((f) => f.forecast !== 'right'));

  test('an API server that hangs is waited for once, and what needs it says why it is not known', async () => {
    const healthy = await planned();
    expect(open(healthy)).toEqual([]);
    let hung: Plan | undefined;
    await during(
      () => signal('kill -STOP "$pid"'),
      () => signal('kill -CONT "$pid"'),
      async () => {
        hung = await planned();
      },
    );
    const found = open(hung as Plan);
    const ready = found.find((f) => f.step === 'control-plane/api-ready');
    expect(ready).toMatchObject({ forecast: 'wrong', reading: 'not ready' });
    expect(found.filter((f) => f.forecast !== 'unknown')).toEqual([ready]);
    // These look at the host itself, and are unknown for what comes before them.
    const silent = found.filter((f) => !/deadline exceeded|Client\.Timeout/.test(f.note ?? ''));
    expect(silent.map((f) => f.step)).toEqual([
      'control-plane/serving-settings',
      'control-plane/approver',
      'control-plane/serving',
      'network/conflist',
      'network/bridge',
      'etcd/snapshot',
    ]);
    expect(found.length - silent.length).toBeGreaterThan(8);
    expect((hung?.ms ?? Infinity) - healthy.ms).toBeLessThan(25_000);
    await eventually('the API server to be itself again', async () =>
      open(await planned()).length === 0 ? true : undefined,
    );
  });

  test('one that is slow for a second now and then is no news', async () => {
    // systemd may miss that the last process of a unit has ended: where cgroups are version 1, nothing tells it.
    const beat =
      'systemd-run -q --unit=slow --collect -p TimeoutStopSec=2 sh -c \'while kill -STOP "$0"; do sleep 1; kill -CONT "$0"; sleep 3; done\'';
    await during(
      () => signal(`${beat} "$pid"`),
      () => signal('systemctl stop slow; kill -CONT "$pid"'),
      async () => {
        for (let i = 0; i < 2; i += 1) expect(open(await planned())).toEqual([]);
        await byHand('systemctl is-active slow');
      },
    );
  });

  const RECORD = 'record/applied';
  const kubectl = 'kubectl --kubeconfig=/etc/kubernetes/admin.conf';
  const forget = `${kubectl} -n kube-system delete configmap landfall-applied --ignore-not-found`;
  /** Who has to say yes to the record: it is read as ever, and written only when somebody listens and says so. */
  const webhook = `${kubectl} apply -f - <<'END'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: gate
webhooks:
  - name: gate.landfall.test
    clientConfig:
      url: https://127.0.0.1:9444/
    failurePolicy: Fail
    sideEffects: None
    timeoutSeconds: 10
    admissionReviewVersions: [v1]
    rules:
      - apiGroups: ['']
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [configmaps]
    matchConditions:
      - name: record
        expression: object.metadata.name == "landfall-applied"
END
`;
  const silence =
    'systemd-run -q --unit=silence --collect perl -MIO::Socket::INET -e \'my $l = IO::Socket::INET->new(Listen => 100, LocalAddr => "127.0.0.1:9444") or die; sleep 1000\'';
  const ungated = () =>
    byHand(
      `${kubectl} delete validatingwebhookconfiguration gate --ignore-not-found; systemctl stop silence 2>/dev/null || :`,
    );

  test.runIf(DEEPER)('what asks the API server and gets no answer in time is made again', async () => {
    await during(
      () => byHand(`${forget}\n${silence}\n${webhook}`),
      ungated,
      async () => {
        const run = live(place, NAME, 'apply', '--yes', '--no-proof');
        const again = (e: RunEvent) =>
          e.is === 'output' && e.step === RECORD && e.text === 'no answer in time: it is made again';
        expect(await run.first(again)).toBeDefined();
        await ungated();
        expect((await run.ended).status).toBe(0);
      },
    );
    expect((await well(place, 'plan', '--exit-code')).status).toBe(0);
  });

  test.runIf(DEEPER)('a webhook nobody stands behind is named, and not asked again', async () => {
    await during(
      () => byHand(`${forget}\n${webhook}`),
      ungated,
      async () => {
        const ended = await landfall(place, 'apply', '--yes', '--no-proof');
        expectTold(ended, {
          exit: 1,
          code: RECORD,
          says: /gate\.landfall\.test.*a webhook .*\(H83\).*get validatingwebhookconfigurations/,
        });
        expect(`${ended.stdout}${ended.stderr}`).not.toContain('made again');
      },
    );
    await well(place, 'apply', '--yes', '--no-proof');
  });

  test.runIf(DEEPER)('an API server that hangs while all is read at the end is waited for', async () => {
    await byHand(forget);
    const run = live(place, NAME, 'apply', '--yes', '--no-proof');
    await during(
      async () => {
        await run.first((e) => e.is === 'step' && e.step === RECORD && e.state === 'made');
        await signal('kill -STOP "$pid"');
      },
      () => signal('kill -CONT "$pid"'),
      async () => {
        const waits = (e: RunEvent) =>
          e.is === 'step' && e.step === 'control-plane/api-ready' && e.state === 'waiting';
        expect(await run.first(waits)).toBeDefined();
      },
    );
    expect((await run.ended).status).toBe(0);
    expect((await well(place, 'plan', '--exit-code')).status).toBe(0);
  });
});
