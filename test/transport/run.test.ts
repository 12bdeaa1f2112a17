import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT_SHELL } from '../../src/ssh/root-shell.ts';
import { type Ended, spawned } from '../../src/ssh/spawned.ts';
import { targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

const NOISE = 'echo "Welcome to cp-0!"; echo "mesg: ttyname failed" >&2; printf "no end of line"';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({
    users: [
      { name: 'ops', sudo: 'free', rc: NOISE },
      { name: 'dash', sudo: 'free', shell: '/bin/dash' },
    ],
    rootRc: NOISE,
    config: ['Banner /etc/test/banner'],
    prepare: 'echo AUTHORIZED USE ONLY > /etc/test/banner',
  });
});

afterAll(() => sshd.stop());

describe('a script on a host', () => {
  test('gives status and both streams, without what the login shell and the banner say', async () => {
    const out = await using(targetOf(sshd), (host) => host.run('id -u; echo trouble >&2; exit 7'));
    expect(out).toEqual({ status: 7, stdout: '0\n', stderr: 'trouble\n' });
  });

  test('runs as root through sudo, whatever the login shell', async () => {
    for (const user of ['ops', 'dash']) {
      const out = await using(targetOf(sshd, { user }), (host) =>
        host.run('id -u; printf "%s" "$SUDO_USER"'),
      );
      expect(out).toEqual({ status: 0, stdout: `0\n${user}`, stderr: '' });
    }
  });

  test('is nowhere in the list of processes, on neither side', async () => {
    await using(targetOf(sshd, { user: 'ops' }), async (host) => {
      const out = await host.run(`word=planted-secret-1; tr '\\0' ' ' < /proc/$$/cmdline; ps axww -o args`);
      expect(out.stdout).toContain('sh -s');
      expect(out.stdout).toContain('landfall_mark');
      expect(out.stdout).not.toContain('planted-secret-1');
    });
  });

  test('may hold every character but NUL, and end in the middle of a line', async () => {
    const text = `ä€😀 'single' "double" \\back $dollar \`tick\` \t!`;
    const script = `cat <<'END'\n${text}\nEND\nprintf '%s' end`;
    const out = await using(targetOf(sshd), (host) => host.run(script));
    expect(out.stdout).toBe(`${text}\nend`);
    await expect(using(targetOf(sshd), (host) => host.run('echo \0'))).rejects.toThrow(RangeError);
  });

  test('that cannot be parsed, or leaves early, harms no other', async () => {
    await using(targetOf(sshd), async (host) => {
      expect((await host.run("echo 'never closed")).status).toBe(2);
      expect((await host.run('}')).status).toBe(2);
      expect((await host.run(`exit 4\n${'# padding\n'.repeat(50_000)}`)).status).toBe(4);
      expect((await host.run('kill -9 $$')).status).toBe(137);
      expect((await host.run('cat')).stdout).toBe('');
      expect(await host.run('')).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(await host.run('echo well')).toEqual({ status: 0, stdout: 'well\n', stderr: '' });
    });
  });

  test('that did not arrive whole is not run', async () => {
    const file = join(sshd.folder, 'half');
    const script = `touch ${file}; echo ran\n`;
    const sent = (length: number): Promise<Ended> =>
      spawned(['sh', '-c', ROOT_SHELL], { stdin: `mark ${length}\n${script.trim()}` });
    expect(await sent(script.length + 20)).toMatchObject({ status: 90, stdout: '' });
    expect(existsSync(file)).toBe(false);
    expect(await sent(script.trim().length)).toMatchObject({ status: 0, stdout: 'mark\nran\nmark 0\n' });
    expect(existsSync(file)).toBe(true);
  });

  test('does not wait for what it left running', async () => {
    await using(targetOf(sshd), async (host) => {
      const out = await host.run('sleep 60 & echo $!');
      expect(out.status).toBe(0);
      expect((await host.run(`kill ${Number(out.stdout)} && echo was there`)).stdout).toBe('was there\n');
    });
  });

  test('of 1 MB arrives whole; 64 MB of output come back whole', async () => {
    await using(targetOf(sshd), async (host) => {
      const long = Array.from({ length: 25_000 }, (_, i) => `: ${i} ${'x'.repeat(34)}`).join('\n');
      expect(long.length).toBeGreaterThan(1_000_000);
      expect(await host.run(`${long}\necho "$(id -u) end"`)).toEqual({
        status: 0,
        stdout: '0 end\n',
        stderr: '',
      });
      const out = await host.run("head -c 67108864 /dev/zero | tr '\\0' x; echo; echo end >&2");
      expect(out.stdout.length).toBe(67_108_865);
      expect(out.stderr).toBe('end\n');
    });
  });

  test('is heard while it runs, each line at once', async () => {
    await using(targetOf(sshd), async (host) => {
      let heard = '';
      const out = host.run('echo first; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo second', {
        onData: (text) => (heard += text),
      });
      await eventually('the first line', () => (heard === 'first\n' ? true : undefined));
      await host.run('touch /tmp/go');
      expect(await out).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(heard).toBe('first\nsecond\n');
    });
  });
});
