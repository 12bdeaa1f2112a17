import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { streamReader } from '../shell/parse.ts';
import { type Holder, holderOf, holdScript, isGone, parseHolder } from './hold.ts';
import { plainScript } from './script.ts';

const self: Holder = {
  run: '20261123-151137-fd7a',
  command: 'apply',
  user: 'ops',
  machine: 'desk',
  place: 'boot-1 pid:[4026531836]',
  pid: 100,
  since: '2026-11-23T15:11:37.000Z',
};
const other: Holder = { ...self, run: '20261123-151100-0001', pid: 99 };
const dead = (): boolean => false;
const alive = (): boolean => true;

/** The number of a process that has ended. */
async function ended(): Promise<number> {
  const child = spawn('true');
  await new Promise((done) => child.on('close', done));
  return child.pid ?? 0;
}

describe('a holder is gone', () => {
  it('when it is this very run: what is left of a connection that broke', () => {
    expect(isGone({ ...self, place: 'elsewhere' }, self, alive)).toBe(true);
  });

  it('when its process on this machine has ended', () => {
    expect(isGone(other, self, dead)).toBe(true);
    expect(isGone(other, self, alive)).toBe(false);
  });

  it('never when it is somewhere its processes cannot be seen: another machine, boot or container, or an unknown one', () => {
    expect(isGone({ ...other, place: 'boot-2 pid:[4026531836]' }, self, dead)).toBe(false);
    expect(isGone({ ...other, place: 'boot-1 pid:[4026532000]' }, self, dead)).toBe(false);
    expect(isGone({ ...other, place: '' }, { ...self, place: '' }, dead)).toBe(false);
  });

  it('never while its process lives, whatever else is said of it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), (run, place, pid) => {
        fc.pre(run !== self.run);
        expect(isGone({ ...other, run, place, pid }, self, alive)).toBe(false);
      }),
    );
  });

  it('as the machine itself says', async () => {
    const me = holderOf('a', 'apply', new Date(0));
    expect(isGone({ ...me, run: 'b' }, me)).toBe(false);
    // Process 1 is alive; whoever is not root is not allowed to signal it, which says so too.
    expect(isGone({ ...me, run: 'b', pid: 1 }, me)).toBe(false);
    expect(isGone({ ...me, run: 'b', pid: await ended() }, me)).toBe(true);
  });
});

describe('a host that somebody has', () => {
  let root = '';
  let children: ChildProcess[] = [];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'landfall-hold-'));
    mkdirSync(join(root, 'landfall'));
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    rmSync(root, { recursive: true, force: true });
  });

  /** A process that has the host's lock, and says nothing of itself. */
  async function locked(): Promise<ChildProcess> {
    const child = spawn('sh', ['-c', `exec 9>>'${root}/landfall/lock'; flock 9; echo; exec sleep 60`]);
    children.push(child);
    await new Promise((done) => child.stdout.once('data', done));
    return child;
  }

  const says = (by: Holder, pid: number | undefined): void =>
    writeFileSync(join(root, 'landfall/holder'), `${by.run}\n${pid ?? 0}\n${JSON.stringify(by)}\n`);

  /** Asks for the host; gives the first word that tells who has it, and whom it names. */
  function ask(steal = ''): Promise<readonly [string, Holder | undefined]> {
    return new Promise((resolve) => {
      const child = spawn('dash', ['-s']);
      children.push(child);
      const { feed } = streamReader(
        (r) => {
          if (r.is === 'said' && ['held', 'got'].includes(r.word)) resolve([r.word, parseHolder(r.texts[0])]);
        },
        () => undefined,
      );
      child.stdout.setEncoding('utf8').on('data', feed);
      child.stdin.end(plainScript(holdScript(self, steal)).replaceAll('/run/landfall', `${root}/landfall`));
    });
  }

  /** Asks while somebody has the host who says so only a moment later. */
  async function askEarly(): Promise<readonly [string, Holder | undefined]> {
    const { pid } = await locked();
    const asked = ask();
    await setTimeout(400);
    says(other, pid);
    return await asked;
  }

  it('is refused in the name of who has it', async () => {
    says(other, (await locked()).pid);
    expect(await ask()).toEqual(['held', other]);
  });

  it('is refused in the name of who has only just taken it, and has not said so yet', async () => {
    expect(await askEarly()).toEqual(['held', other]);
  });

  it('is not refused in the name of who had it before', async () => {
    says({ ...other, run: 'long-ago' }, await ended());
    expect(await askEarly()).toEqual(['held', other]);
  });

  it('is refused in nobody’s name where that is never said', async () => {
    await locked();
    expect(await ask()).toEqual(['held', undefined]);
  });

  it('is had as soon as it is let go', async () => {
    const child = await locked();
    const asked = ask();
    await setTimeout(300);
    child.kill('SIGKILL');
    expect(await asked).toEqual(['got', undefined]);
  });

  it('is taken from whom it may be taken from', async () => {
    says(other, (await locked()).pid);
    expect(await ask(other.run)).toEqual(['got', undefined]);
  });
});
