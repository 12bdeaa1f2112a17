import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusal, targetOf, using } from './reach.ts';
import { relayTo } from './relay.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({ users: [{ name: 'ops', sudo: 'free' }] });
});

afterAll(() => sshd.stop());

describe('many scripts', () => {
  test('25 at once share one connection, and each is one trip', async () => {
    await using(targetOf(sshd, { user: 'ops' }), async (host) => {
      const all = await Promise.all(
        Array.from({ length: 25 }, (_, i) => host.run(`echo ${i}; echo e${i} >&2; sleep 0.05`)),
      );
      expect(all).toEqual(all.map((_, i) => ({ status: 0, stdout: `${i}\n`, stderr: `e${i}\n` })));
      expect(host.trips()).toBe(25);
      expect(await sshd.sessions()).toHaveLength(1);
    });
    await eventually('the connection to end', async () =>
      (await sshd.sessions()).length === 0 ? true : undefined,
    );
  });

  test('one after another are served by one shell on the host', async () => {
    await using(targetOf(sshd), async (host) => {
      const first = await host.run('echo $PPID');
      expect(first.stdout).toMatch(/^\d+\n$/);
      expect(await host.run('echo $PPID')).toEqual(first);
    });
  });

  test('find a way where sshd allows one session a connection', async () => {
    const narrow = await startSshd({ config: ['MaxSessions 1'] });
    try {
      await using(targetOf(narrow), async (host) => {
        const all = await Promise.all([1, 2, 3].map((i) => host.run(`echo ${i}; sleep 0.2`)));
        expect(all.map((out) => out.stdout)).toEqual(['1\n', '2\n', '3\n']);
      });
    } finally {
      await narrow.stop();
    }
  });

  test('come through an sshd that hangs up on too many, and give up when it goes on', async () => {
    const hostKey = sshd.hostKeys[0] ?? '';
    const busy = await relayTo(sshd.port, 2);
    const busier = await relayTo(sshd.port, 100);
    try {
      await using(targetOf(sshd, { port: busy.port, hostKey }), async (host) => {
        const all = await Promise.all([1, 2, 3].map((i) => host.run(`echo ${i}`)));
        expect(all.map((out) => out.stdout)).toEqual(['1\n', '2\n', '3\n']);
        expect(host.trips()).toBe(3);
      });
      expect(await refusal(targetOf(sshd, { port: busier.port, hostKey }))).toMatchObject({
        code: 'ssh/busy',
      });
    } finally {
      await Promise.all([busy.close(), busier.close()]);
    }
  });
});
