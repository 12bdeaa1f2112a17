import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawned } from '../../src/ssh/spawned.ts';
import { targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
});

afterAll(() => sshd.stop());

describe('an aborted script', () => {
  test('ends at its next write; the host can be used again', async () => {
    await using(targetOf(sshd), async (host) => {
      const stop = new AbortController();
      const reason = new Error('enough');
      let heard = '';
      const run = host.run('echo $$; while :; do echo on; sleep 0.05; done', {
        signal: stop.signal,
        onData: (text) => {
          heard += text;
          if (heard.includes('on')) stop.abort(reason);
        },
      });
      await expect(run).rejects.toBe(reason);
      const pid = Number(heard.split('\n')[0]);
      await eventually('the script to end', async () =>
        (await host.run(`kill -0 ${pid}`)).status === 1 ? true : undefined,
      );
    });
  });

  test('does not take others with it that share its connection', async () => {
    await using(targetOf(sshd), async (host) => {
      const stop = new AbortController();
      let heard = '';
      // The first script runs in the process that holds the connection.
      const first = host.run('echo there; sleep 1; while :; do echo on; sleep 0.05; done', {
        signal: stop.signal,
        onData: (text) => {
          heard += text;
        },
      });
      await eventually('the first script', () => (heard === '' ? undefined : true));
      const second = host.run('sleep 1.5; echo still here');
      const reason = new Error('enough');
      await eventually('the second script', async () =>
        (await spawned(['pgrep', '-f', 'sleep 1\\.5'])).status === 0 ? true : undefined,
      );
      stop.abort(reason);
      await expect(first).rejects.toBe(reason);
      expect(await host.run('echo anew')).toEqual({ status: 0, stdout: 'anew\n', stderr: '' });
      expect((await second).stdout).toBe('still here\n');
    });
    await eventually('every connection to end', async () =>
      (await sshd.sessions()).length === 0 ? true : undefined,
    );
  });

  test('before it began never runs', async () => {
    await using(targetOf(sshd), async (host) => {
      await expect(host.run('touch /tmp/never', { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
      const stop = new AbortController();
      const run = host.run('touch /tmp/never', { signal: stop.signal });
      stop.abort(new Error('early'));
      await expect(run).rejects.toThrow('early');
      expect((await host.run('ls /tmp/never')).status).not.toBe(0);
    });
  });
});
