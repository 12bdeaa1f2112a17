import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { put, scene, standIn } from '../../test/steps/scene.ts';
import type { Shell } from '../shell/sh.ts';
import { streamReader } from '../shell/parse.ts';
import { type Holder, parseHolder } from './hold.ts';
import { freeScript, identityOf, LASTS, leaseScript } from './lease-script.ts';
import { plainScript } from './script.ts';

/**
 * An API server that keeps one Lease in a file, and refuses what was not written of its newest version, as the real one does. Whoever
 * looks into the file meanwhile sees it whole.
 */
const API = `
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
const [at, ...args] = process.argv.slice(2);
const file = at + '/lease.json';
if (existsSync(at + '/silent')) { console.error('The connection was refused'); process.exit(1); }
const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
const refuse = (why) => { console.error(why); process.exit(1); };
if (args.includes('get') && args.includes('lease')) {
  if (kept === undefined) process.exit(0);
  const { metadata, spec } = kept;
  console.log([metadata.resourceVersion, spec.holderIdentity ?? '', spec.leaseTransitions ?? '', metadata.annotations?.['landfall/holder'] ?? ''].join('\\n'));
} else if (args.includes('configmap')) {
  console.log('f'.repeat(64) + ' 2026-11-23T09:12:00Z the-last 0.1.0 ben@desk');
} else {
  const body = JSON.parse(readFileSync(0, 'utf8'));
  if (args.includes('create') && kept !== undefined) refuse('AlreadyExists');
  if (args.includes('replace') && body.metadata.resourceVersion !== kept?.metadata.resourceVersion) refuse('Conflict');
  const version = String(Number(kept?.metadata.resourceVersion ?? 0) + 1);
  writeFileSync(file + '.new', JSON.stringify({ ...body, metadata: { ...body.metadata, resourceVersion: version } }));
  renameSync(file + '.new', file);
  process.stdout.write(version);
}
`;

let root = '';
let path = '';
let children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-lease-'));
  writeFileSync(join(root, 'api.mjs'), API);
  put(root, 'etc/kubernetes/admin.conf', 'x\n');
  path = standIn(
    root,
    'kubectl',
    `exec flock "${root}/lock" ${process.execPath} "${root}/api.mjs" "${root}" "$@"`,
  );
  standIn(root, 'timeout', 'shift; exec "$@"');
  // Time passes quickly, and something may happen in it.
  standIn(
    root,
    'sleep',
    `if [ -e "${root}/meanwhile" ]; then sh "${root}/meanwhile"; fi; exec /bin/sleep 0.02`,
  );
});
afterEach(() => {
  killAll();
  rmSync(root, { recursive: true, force: true });
});

/** Kills every run with all that works for it: a request that is under way would be answered after its death. */
function killAll(): void {
  for (const { pid } of children.filter((c) => c.exitCode === null && c.signalCode === null))
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  children = [];
}

const holder = (run: string, more: Partial<Holder> = {}): Holder => ({
  run,
  command: 'apply',
  user: 'anna',
  machine: 'the "laptop"',
  place: 'here',
  pid: 1,
  since: '2026-11-23T09:12:00Z',
  ...more,
});

interface Told {
  readonly word: string;
  readonly texts: readonly string[];
}

/** Runs a script until it has said one of these words, or has ended; gives what it said. */
function talk(script: Shell, ...until: readonly string[]): Promise<readonly Told[]> {
  return new Promise((resolve) => {
    const text = plainScript(script).replaceAll(
      '/etc/kubernetes/admin.conf ]',
      `${root}/etc/kubernetes/admin.conf ]`,
    );
    const child = spawn('dash', ['-s'], {
      env: { ...process.env, PATH: `${path}:${process.env['PATH'] ?? ''}` },
      detached: true,
    });
    children.push(child);
    const told: Told[] = [];
    const reader = streamReader(
      (r) => {
        if (r.is !== 'said' || r.word === 'alive') return;
        told.push(r);
        if (until.includes(r.word)) resolve(told);
      },
      () => undefined,
    );
    child.stdout.setEncoding('utf8').on('data', reader.feed);
    child.on('close', () => resolve(told));
    child.stdin.end(text);
  });
}

const words = (told: readonly Told[]): readonly string[] => told.map(({ word }) => word);
const take = (who: Holder, steal = '', ...until: readonly string[]) =>
  talk(leaseScript(scene(), who, steal), 'got', ...until);
const free = (who: Holder) => talk(freeScript(scene(), who));

/** The Lease as it is kept. */
function lease(): {
  metadata: { resourceVersion: string; annotations?: Record<string, string> };
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds: number;
    leaseTransitions: number;
    renewTime: string;
  };
} {
  return JSON.parse(readFileSync(join(root, 'lease.json'), 'utf8'));
}

/** The Lease as a run has left it, without the run: what goes on of one that was killed would look like whoever comes next. */
function leaveHeld(who: Holder): void {
  const spec = { holderIdentity: identityOf(who), leaseTransitions: 0 };
  writeFileSync(join(root, 'lease.json'), JSON.stringify({ metadata: { resourceVersion: '1' }, spec }));
}

describe('the Lease', () => {
  const mine = holder('one');
  const other = holder('two', { user: 'ben', machine: 'desk' });

  it('is made where there is none, with who holds it', async () => {
    const told = await take(mine);
    expect(words(told)).toEqual(['got']);
    expect(told[0]?.texts[0]).toContain(' the-last ');
    const { metadata, spec } = lease();
    expect(spec.holderIdentity).toBe(identityOf(mine));
    expect(spec.leaseDurationSeconds).toBe(LASTS);
    expect(spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(parseHolder(metadata.annotations?.['landfall/holder'])).toEqual(mine);
  });

  it('is renewed as long as somebody listens, and given back', async () => {
    await take(mine);
    const first = Number(lease().metadata.resourceVersion);
    for (let i = 0; i < 200 && Number(lease().metadata.resourceVersion) < first + 2; i += 1)
      await new Promise((done) => setTimeout(done, 50));
    expect(Number(lease().metadata.resourceVersion)).toBeGreaterThanOrEqual(first + 2);
    expect(lease().spec.holderIdentity).toBe(identityOf(mine));
    killAll();
    await free(mine);
    expect(lease().spec.holderIdentity).toBeUndefined();
    expect(lease().metadata.annotations).toBeUndefined();
    expect(words(await take(other))).toEqual(['got']);
  });

  it('of a run that lives refuses another, and names it', async () => {
    await take(mine);
    const told = await take(other, '', 'held');
    expect(words(told)).toEqual(['waiting', 'held']);
    expect(told[1]?.texts[0]).toBe(identityOf(mine));
    expect(parseHolder(told[1]?.texts[1])).toEqual(mine);
    expect(lease().spec.holderIdentity).toBe(identityOf(mine));
  });

  it('that nobody renews is taken over, once, and says from whom', async () => {
    await take(mine);
    killAll();
    const told = await take(other);
    expect(words(told)).toEqual(['waiting', 'took', 'got']);
    expect(told[1]?.texts[0]).toBe(identityOf(mine));
    expect(parseHolder(told[1]?.texts[1])).toEqual(mine);
    expect([lease().spec.holderIdentity, lease().spec.leaseTransitions]).toEqual([identityOf(other), 1]);
  });

  it('is not taken over when it is renewed at the last moment', async () => {
    await take(mine);
    killAll();
    const count = join(root, 'sleeps');
    const renewed = `
      echo >>"${count}"
      [ "$(wc -l <"${count}")" -eq ${LASTS / 2} ] || exit 0
      sed -i 's/"resourceVersion":"1"/"resourceVersion":"2"/' "${root}/lease.json"`;
    writeFileSync(join(root, 'meanwhile'), renewed);
    expect(words(await take(other, '', 'held'))).toEqual(['waiting', 'held']);
    expect(lease().spec.holderIdentity).toBe(identityOf(mine));
  });

  it('of a run that is known to be dead is taken at once', async () => {
    await take(mine);
    killAll();
    expect(words(await take(other, identityOf(mine)))).toEqual(['took', 'got']);
  });

  it('of our own, whose connection was lost, is ours again', async () => {
    await take(mine);
    killAll();
    expect(words(await take(mine))).toEqual(['got']);
    expect(lease().spec.leaseTransitions).toBe(0);
  });

  it('given back meanwhile is not taken by an asking that nobody listens to any more', async () => {
    leaveHeld(mine);
    // Whoever asked goes away in the moment between two looks, and the Lease is given back in it.
    writeFileSync(
      join(root, 'meanwhile'),
      `: >"${root}/begun"; while [ ! -e "${root}/gone" ]; do /bin/sleep 0.02; done
      sed -i -e 's/"resourceVersion":"1"/"resourceVersion":"2"/' -e 's/"holderIdentity":"[^,]*",//' "${root}/lease.json"`,
    );
    await take(other, '', 'waiting');
    const asking = children.at(-1) as ChildProcess;
    const ended = new Promise((done) => asking.once('exit', done));
    while (!existsSync(join(root, 'begun'))) await new Promise((done) => setTimeout(done, 20));
    await new Promise((done) => asking.stdout?.once('close', done).destroy());
    writeFileSync(join(root, 'gone'), '');
    await ended;
    expect(lease().metadata.resourceVersion).toBe('2');
    expect(lease().spec.holderIdentity).toBeUndefined();
  });

  it('goes to one of two who ask for it at the same moment', async () => {
    const both = await Promise.all([take(mine, '', 'held'), take(other, '', 'held')]);
    expect(both.map((told) => words(told).at(-1)).sort()).toEqual(['got', 'held']);
  });

  it('that was taken over is not written to any more by whoever had it, nor given back', async () => {
    const lost = talk(leaseScript(scene(), mine, ''), 'lost');
    while (!existsSync(join(root, 'lease.json'))) await new Promise((done) => setTimeout(done, 20));
    // Where a minute passes in a second, each try to take it would be overtaken by one more that renews it.
    const renewing = children.at(-1);
    renewing?.kill('SIGSTOP');
    expect(words(await take(other, identityOf(mine)))).toEqual(['took', 'got']);
    renewing?.kill('SIGCONT');
    expect(words(await lost)).toEqual(['got', 'lost']);
    await free(mine);
    expect(lease().spec.holderIdentity).toBe(identityOf(other));
  });

  it('is given back although the API server misses the first moments of it', async () => {
    leaveHeld(mine);
    writeFileSync(join(root, 'silent'), '');
    writeFileSync(join(root, 'meanwhile'), `rm -f "${root}/silent"`);
    await free(mine);
    expect(lease().spec.holderIdentity).toBeUndefined();
  });

  it('is nothing to wait for where no API server answers, or where there is none', async () => {
    writeFileSync(join(root, 'silent'), '');
    expect(words(await take(mine))).toEqual([]);
    expect(existsSync(join(root, 'lease.json'))).toBe(false);
    rmSync(join(root, 'etc/kubernetes/admin.conf'));
    expect(words(await take(mine))).toEqual(['none']);
  });

  it('is still ours when the API server was away for a while', async () => {
    const told = talk(leaseScript(scene(), mine, ''), 'lost');
    while (!existsSync(join(root, 'lease.json'))) await new Promise((done) => setTimeout(done, 20));
    writeFileSync(join(root, 'silent'), '');
    await new Promise((done) => setTimeout(done, 800));
    const { resourceVersion } = lease().metadata;
    rmSync(join(root, 'silent'));
    for (let i = 0; i < 200 && lease().metadata.resourceVersion === resourceVersion; i += 1)
      await new Promise((done) => setTimeout(done, 50));
    expect(Number(lease().metadata.resourceVersion)).toBeGreaterThan(Number(resourceVersion));
    killAll();
    expect(words(await told)).toEqual(['got']);
  });
});
