import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCluster } from '../../src/config/load.ts';
import { labsDir } from '../../src/lab/place.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { specText } from '../../src/model/spec-text.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/run/event.ts';
import { readEvents } from '../../src/run/history.ts';
import { type Holder, holderOf } from '../../src/run/hold.ts';
import { LASTS, leaseScript } from '../../src/run/lease-script.ts';
import { plainScript } from '../../src/run/script.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  events,
  freshLab,
  landfall,
  put,
  said,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually, live } from './live.ts';

/*
 * One cluster and two who may change it, each with a home and a state of their own: what the cluster remembers of what was applied, who
 * is warned of it, and the Lease. The tests run in this order.
 */

const NAME = 'test-history';
const HOST = 'cp-0';
const PLANTED = 'planted-3f1c9a7e';

let lab: Lab;
let mine: Desk;
let yours: Desk;

/** A desk whose state is nobody else's; the labs are. */
function ownDesk(): Desk {
  const place = desk();
  const state = join(place.dir, 'state');
  mkdirSync(join(state, 'landfall'), { recursive: true });
  symlinkSync(labsDir(), join(state, 'landfall', 'lab'));
  return { ...place, env: { ...place.env, XDG_STATE_HOME: state, REGISTRY_PASSWORD: PLANTED } };
}

/** cluster.yaml with a secret in reach: a password in a file, another in the environment. */
function file(labels: string): string {
  return clusterYaml(
    lab,
    `registries:
  logins:
    - { at: registry.example.com, user: puller, passwordFile: password }
    - { at: mirror.example.com, user: puller, passwordVariable: REGISTRY_PASSWORD }
`,
  ).replace('workloads: true', `workloads: true, labels: { ${labels} }`);
}

const FIRST = 'tier: one';
const SECOND = 'tier: two';

beforeAll(async () => {
  lab = await freshLab(NAME);
  [mine, yours] = [ownDesk(), ownDesk()];
  for (const place of [mine, yours]) {
    put(place, 'password', `${PLANTED}\n`);
    put(place, 'cluster.yaml', file(FIRST));
  }
});

afterAll(async () => {
  await cleared(NAME, mine);
  rmSync(yours.dir, { recursive: true, force: true });
});

const ME = `${userInfo().username}@${hostname()}`;
const onHost = (script: string): Promise<string> => wellOnHost(lab, HOST, script);
const kube = (words: string): Promise<string> =>
  onHost(`kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);
const planned = async (place: Desk): Promise<Plan> =>
  JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
const lease = (path: string): Promise<string> =>
  kube(`-n kube-system get lease landfall --ignore-not-found -o jsonpath='${path}'`);

describe('what was applied', () => {
  test('is written down in the cluster, with who did it', async () => {
    const ended = await landfall(mine, 'apply', '--yes', '--json');
    expect(ended.status, said(ended)).toBe(0);
    const run = events(ended).find((e) => e.is === 'run');
    const { applied } = await planned(mine);
    expect(applied?.text).toBe(specText(loadCluster(join(mine.dir, 'cluster.yaml')).cluster));
    expect(applied?.last).toMatchObject({ by: ME, run: run?.run });
    expect(applied?.earlier).toEqual([]);
    expect((await well(mine, 'status')).stdout).toMatch(
      new RegExp(`^Applied last: ${ME} on \\d+ \\w+ \\d\\d:\\d\\d \\(run ${run?.run}, Landfall `, 'm'),
    );
  });

  test('has no secret in it, nor has anything else that lies open in the cluster', async () => {
    expect(await onHost('cat /etc/kubernetes/landfall/registry-logins.json')).toContain(
      Buffer.from(`puller:${PLANTED}`).toString('base64'),
    );
    const all = await kube('get configmaps,leases,events -A -o yaml');
    expect(all).toContain('passwordFile: password');
    expect(all).not.toContain(PLANTED);
    expect(all).not.toContain(Buffer.from(`puller:${PLANTED}`).toString('base64'));
  });

  test('is nothing to do a second time, for nobody, and takes no Lease', async () => {
    const before = await lease('{.metadata.resourceVersion}');
    for (const place of [mine, yours]) {
      const ended = await landfall(place, 'apply', '--yes', '--json');
      expect(ended.status, said(ended)).toBe(0);
      expect(events(ended).at(-1)).toMatchObject({ is: 'end', made: 0 });
      expect((await landfall(place, 'plan', '--exit-code')).status).toBe(0);
    }
    expect(await lease('{.metadata.resourceVersion}')).toBe(before);
    expect(await lease('{.spec.holderIdentity}')).toBe('');
  });
});

/** What an apply of an older file must say. */
function warned(text: string): void {
  expect(text).toContain(`This cluster.yaml is older than what was applied to ${NAME} last.`);
  expect(text).toMatch(new RegExp(`applied last by ${ME} on `));
  expect(text).toMatch(/- +tier: two$/m);
  expect(text).toMatch(/\+ +tier: one$/m);
}

describe('an older file', () => {
  test('is told of at the head of a plan, to who does not know the newer one', async () => {
    put(mine, 'cluster.yaml', file(SECOND));
    await well(mine, 'apply', '--yes', '--no-proof');
    const plan = await well(yours, 'plan');
    warned(plan.stdout);
    expect(plan.stdout.indexOf('older than')).toBeLessThan(plan.stdout.indexOf('record/applied'));
    const json = await well(yours, 'plan', '--json');
    warned(json.stderr);
    expect((JSON.parse(json.stdout) as Plan).applied?.earlier).toHaveLength(1);
  });

  test('is refused, and nothing is changed', async () => {
    for (const more of [[], ['--only', 'workloads']]) {
      const ended = await landfall(yours, 'apply', '--yes', ...more);
      expect(ended.status, said(ended)).toBe(5);
      warned(ended.stderr);
      expect(ended.stderr).toContain('error[record/older]');
      expect(ended.stderr.replaceAll(/\s+/g, ' ')).toContain('landfall apply --older-file --yes');
    }
    const add = await landfall(yours, 'node', 'add', 'worker-0', '--address', '10.255.255.1', '--yes');
    expect(add.status, said(add)).toBe(5);
    put(yours, 'cluster.yaml', file(FIRST));
    expect(await kube(`get node ${HOST} -o jsonpath={.metadata.labels.tier}`)).toBe('two');
  });

  test('is asked about where there is somebody to ask, and no is no', async () => {
    const main = join(process.cwd(), 'dist/bin/main.js');
    const child = spawn('script', ['-qec', `${process.execPath} ${main} apply`, '/dev/null'], {
      cwd: yours.dir,
      env: { ...yours.env, TERM: 'xterm' },
    });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const asked = shown.includes('[y/N]');
      shown += chunk;
      // Once: what is shown after the answer is read from who may have ended by then.
      if (!asked && shown.includes('[y/N]')) child.stdin.write('n\n');
    });
    const status = await new Promise((done) => child.on('close', done));
    expect(shown).toContain('older than what was applied');
    expect(shown).toContain(`Take back what ${ME} has applied, and make it so on 1 host? [y/N]`);
    expect(status).toBe(0);
    expect(await kube(`get node ${HOST} -o jsonpath={.metadata.labels.tier}`)).toBe('two');
  });

  test('is applied when that is said plainly; then it is the other who is warned', async () => {
    const ended = await landfall(yours, 'apply', '--yes', '--older-file', '--no-proof');
    expect(ended.status, said(ended)).toBe(0);
    warned(ended.stderr);
    expect(await kube(`get node ${HOST} -o jsonpath={.metadata.labels.tier}`)).toBe('one');
    const theirs = await landfall(mine, 'apply', '--yes');
    expect(theirs.status, said(theirs)).toBe(5);
    expect((await planned(mine)).applied?.earlier).toHaveLength(2);
  });

  test('is told of and made by who has applied the newer one himself', async () => {
    put(yours, 'cluster.yaml', file(SECOND));
    const ended = await landfall(yours, 'apply', '--yes', '--no-proof');
    expect(ended.status, said(ended)).toBe(0);
    expect(ended.stderr).toContain('older than what was applied');
  });

  test('that is not older, but made apart from what others have applied, is refused; made from it, it is not', async () => {
    put(yours, 'cluster.yaml', file('tier: three'));
    await well(yours, 'apply', '--yes', '--no-proof');
    put(mine, 'cluster.yaml', file('tier: four'));
    const apart = await landfall(mine, 'apply', '--yes');
    expect(apart.status, said(apart)).toBe(5);
    expect(apart.stderr).toContain('error[record/apart]');
    // The newest file is fetched, looked at, and changed.
    put(mine, 'cluster.yaml', file('tier: three'));
    expect((await well(mine, 'plan')).stdout).not.toContain('cluster.yaml is older');
    put(mine, 'cluster.yaml', file('tier: four'));
    const ended = await landfall(mine, 'apply', '--yes', '--no-proof');
    expect(ended.status, said(ended)).toBe(0);
    expect(ended.stderr).not.toContain('applied to');
    put(yours, 'cluster.yaml', file('tier: four'));
  });
});

const SOMETHING = 'sysctl -q -w net.ipv4.ip_forward=0';
const IS_MADE = 'sysctl -n net.ipv4.ip_forward';
const ONE_PHASE = ['apply', '--yes', '--only', 'kernel', '--json'] as const;

const notices = (told: readonly RunEvent[]): readonly string[] =>
  told.flatMap((e) => (e.is === 'notice' ? [`${e.code}: ${e.text}`] : []));

/** A run of somebody elsewhere that holds the Lease, and no host of ours: it may be at work on hosts that we do not know. */
async function elsewhere(): Promise<{ holder: Holder; child: ChildProcess }> {
  const holder = {
    ...holderOf('20260101-000000-abcd', 'apply', new Date(0)),
    user: 'ben',
    machine: 'desk',
    place: 'another-boot pid:[1]',
  };
  const { cluster } = loadCluster(join(mine.dir, 'cluster.yaml'));
  const node = cluster.nodes[0];
  if (node === undefined) throw new Error('there is one');
  const facts = (await planned(mine)).hosts[0]?.facts;
  if (facts === undefined) throw new Error('it was asked');
  const child = spawn('ssh', ['-F', lab.sshConfig, HOST, 'exec sh -s'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(plainScript(leaseScript({ cluster, node, facts }, holder, '')));
  await new Promise<void>((done) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('got ')) done();
    });
  });
  return { holder, child };
}

describe('the Lease', () => {
  test('of a run that lives is respected, and who holds it is named; then that run dies, and it is taken over', async () => {
    const { holder, child } = await elsewhere();
    try {
      await onHost(SOMETHING);
      const ended = await landfall(mine, ...ONE_PHASE);
      expect(ended.status, said(ended)).toBe(5);
      expect(ended.stderr + ended.stdout).toContain(
        `${NAME} is being worked on by ben@desk (process ${holder.pid})`,
      );
      expect(ended.stderr + ended.stdout).toContain(
        `landfall apply, run ${holder.run}, since ${holder.since}`,
      );
      expect(await onHost(IS_MADE)).toBe('0\n');
      // The host is free again.
      expect(await onHost('flock -n /run/landfall/lock echo free')).toBe('free\n');
    } finally {
      child.kill('SIGKILL');
    }
    const ended = await landfall(mine, ...ONE_PHASE);
    expect(ended.status, said(ended)).toBe(0);
    const told = events(ended);
    const taken = `run/lease-taken-over: took the cluster over from ben@desk (landfall apply, run ${holder.run}, since ${holder.since}): that run has ended without giving it back`;
    expect(notices(told)).toContain(taken);
    const run = told.find((e) => e.is === 'run');
    expect(notices(readEvents(NAME, run?.run ?? '', mine.env))).toContain(taken);
    expect(await onHost(IS_MADE)).toBe('1\n');
    expect(ended.ms).toBeGreaterThan(LASTS * 1000);
    expect(await lease('{.spec.holderIdentity}')).toBe('');
    expect(await lease('{.spec.leaseTransitions}')).not.toBe('');
  });

  test('of a run that was killed on this machine is taken over at once', async () => {
    await onHost(SOMETHING);
    const hand = spawn('ssh', ['-F', lab.sshConfig, HOST, 'exec sh -s'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    hand.stdin.write('exec 9>>/run/landfall/work; flock 9\necho held\nexec cat\n');
    await new Promise((done) => hand.stdout.once('data', done));
    const killed = live(mine, NAME, ...ONE_PHASE);
    await killed.first((e) => e.is === 'phase');
    await eventually('the Lease to be held', async () =>
      (await lease('{.spec.holderIdentity}')).startsWith(`${ME}/`) ? true : undefined,
    );
    killed.child.kill('SIGKILL');
    await killed.ended;
    hand.stdin.end();
    // What it had begun goes on without it; when that is over, there is something to do anew.
    await eventually('its work to be done', async () =>
      (await onHost(IS_MADE)) === '1\n' ? true : undefined,
    );
    await onHost(SOMETHING);
    const ended = await landfall(mine, ...ONE_PHASE);
    expect(ended.status, said(ended)).toBe(0);
    expect(notices(events(ended)).join('\n')).toContain(
      `run/lease-taken-over: took the cluster over from ${ME}`,
    );
    expect(ended.ms).toBeLessThan(LASTS * 1000);
    expect(await lease('{.spec.holderIdentity}')).toBe('');
  });

  test('is not waited for where no API server answers: an apply mends that', async () => {
    const before = await lease('{.metadata.resourceVersion}');
    await onHost(`mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/
      n=0; while ss -Hltn 'sport = :6443' | grep -q .; do n=$((n + 1)); [ "$n" -lt 600 ]; sleep 0.2; done`);
    const ended = await landfall(mine, 'apply', '--yes', '--json', '--no-proof');
    expect(ended.status, said(ended)).toBe(0);
    expect(notices(events(ended)).filter((text) => text.startsWith('run/no-lease: '))).toHaveLength(1);
    expect(await lease('{.metadata.resourceVersion}')).toBe(before);
    expect((await landfall(mine, 'plan', '--exit-code')).status).toBe(0);
  });

  test('leaves nothing running on the host', async () => {
    expect(await onHost('pgrep -fc "landfall|flock" || :')).toBe('0\n');
  });
});

// Kept last: what was written in passing is for nobody's eyes but the test's.
test('nothing of what was planted has come to any desk', async () => {
  for (const place of [mine, yours]) {
    const found = await new Promise<string>((done) => {
      const grep = spawn('grep', [
        '-rl',
        '--exclude=password',
        PLANTED,
        join(place.dir, 'state/landfall', NAME),
      ]);
      let out = '';
      grep.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
      grep.on('close', () => done(out));
    });
    expect(found).toBe('');
  }
});
