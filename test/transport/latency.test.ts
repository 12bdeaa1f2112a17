import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawned } from '../../src/ssh/spawned.ts';
import { targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
});

afterAll(() => sshd.stop());

async function time(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

test('connecting, two scripts and closing cost at most half more than `ssh HOST true`', async () => {
  const bare: number[] = [];
  const two: number[] = [];
  const address = `root@${sshd.address}`;
  for (let round = 0; round < 12; round += 1) {
    bare.push(
      await time(() => spawned(['ssh', '-F', sshd.config, '-p', String(sshd.port), address, 'true'])),
    );
    two.push(
      await time(() =>
        using(targetOf(sshd), async (host) => {
          await host.run('true');
          await host.run('true');
        }),
      ),
    );
  }
  // The best of many, taken in turns: what is left of a machine that does other things too.
  const ratio = Math.min(...two) / Math.min(...bare);
  console.log(
    `ssh HOST true: ${Math.min(...bare).toFixed(0)} ms; openSsh, 2 scripts, close: ${Math.min(...two).toFixed(0)} ms; ratio ${ratio.toFixed(2)}`,
  );
  expect(ratio).toBeLessThan(1.5);
});
