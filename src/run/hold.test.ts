import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Holder, holderOf, isGone } from './hold.ts';

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
    const child = spawn('true');
    await new Promise((done) => child.on('close', done));
    expect(isGone({ ...me, run: 'b', pid: child.pid ?? 0 }, me)).toBe(true);
  });
});
