import { readlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { localHost } from '../../src/ssh/local.ts';
import { spawned, start } from '../../src/ssh/spawned.ts';
import { eventually } from './wait.ts';

describe('this machine as a host', () => {
  test('runs a script, and crosses no network for it', async () => {
    const host = localHost();
    expect(await host.run('echo out; echo err >&2; exit 5')).toEqual({
      status: 5,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(host).toMatchObject({ name: 'this machine', address: 'this machine' });
    expect(host.trips()).toBe(0);
    await host.close();
  });

  test('tells what comes as it comes', async () => {
    let heard = '';
    const out = await localHost().run('echo one; echo two', { onData: (text) => (heard += text) });
    expect([out.stdout, heard]).toEqual(['', 'one\ntwo\n']);
  });

  test('ends a script with all it started when told', async () => {
    const stop = new AbortController();
    const run = localHost().run('sleep 613 & sleep 613; echo never', { signal: stop.signal });
    const sleeping = async (): Promise<number> => (await spawned(['pgrep', '-fc', '^sleep 613'])).status;
    await eventually('the script', async () => ((await sleeping()) === 0 ? true : undefined));
    stop.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    await eventually('its end', async () => ((await sleeping()) === 1 ? true : undefined));
  });

  test('does not wait for what a script left running', async () => {
    const out = await localHost().run('sleep 617 & echo $!');
    process.kill(Number(out.stdout));
    expect(out.status).toBe(0);
  });

  test('asks from inside a network namespace, and says when that is gone', async () => {
    const inside = start(['unshare', '-n', 'sleep', '619']);
    try {
      const namespace = `/proc/${inside.pid ?? 0}/ns/net`;
      const ours = await readlink('/proc/self/ns/net');
      await eventually('the namespace', async () => {
        const theirs = await readlink(namespace).catch(() => ours);
        return theirs === ours ? undefined : true;
      });
      const out = await localHost({ namespace }).run(
        'readlink /proc/self/ns/net; tail -n +3 /proc/net/dev | cut -d: -f1',
      );
      expect(out.stdout).toBe(`${await readlink(namespace)}\n    lo\n`);
    } finally {
      inside.kill();
      await inside.ended;
    }
    await expect(localHost({ namespace: '/run/netns/no-such' }).run('true')).rejects.toMatchObject({
      code: 'ssh/no-namespace',
      exit: 4,
    });
  });
});
