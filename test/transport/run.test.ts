import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT_SHELL } from '../../src/ssh/root-shell.ts';
import { type Ended, spawned } from '../../src/ssh/spawned.ts';
import { targetOf, using } from './reach.ts';
import { type Sshd, eventually, startSshd } from './sshd.ts';

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

  test('one after another run in one shell on the host', async () => {
    await using(targetOf(sshd), async (host) => {
      const first = await host.run('echo $PPID');
      const second = await host.run('echo $PPID');
      // The parent is the subshell that drains the input; its parent serves.
      const parent = async (pid: string): Promise<string> =>
        (await host.run(`ps -o ppid= -p $PPID; : ${Number(pid)}`)).stdout.trim();
      expect(first.stdout).not.toBe('');
      expect(await parent(first.stdout)).toBe(await parent(second.stdout));
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

  test('come through an sshd that hangs up on too many', async () => {
    const busy = await startSshd({ config: ['MaxStartups 1:50:3'] });
    try {
      const all = await Promise.allSettled(
        Array.from({ length: 6 }, (_, i) =>
          using(targetOf(busy, { name: `n-${i}` }), (host) => host.run('echo in')),
        ),
      );
      const refused = all.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown);
      for (const reason of refused) expect(reason).toMatchObject({ code: 'ssh/busy', exit: 4 });
      expect(all.filter((one) => one.status === 'fulfilled').length).toBeGreaterThan(2);
    } finally {
      await busy.stop();
    }
  });
});

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

test('settings of a hostile ssh_config change nothing', async () => {
  const config = join(sshd.folder, 'hostile');
  const settings = [
    'ControlMaster auto',
    'ControlPersist yes',
    `ControlPath ${sshd.folder}/theirs-%C`,
    'RemoteCommand echo theirs',
    'RequestTTY force',
    'PermitLocalCommand yes',
    `LocalCommand touch ${sshd.folder}/local-command`,
    'LogLevel QUIET',
    'BatchMode no',
    'StdinNull yes',
    'ForkAfterAuthentication yes',
    'SessionType none',
    'EscapeChar ~',
    'ForwardAgent yes',
    'ForwardX11 yes',
    'LocalForward 127.0.0.1:1 127.0.0.1:1',
    'ExitOnForwardFailure yes',
    'VisualHostKey yes',
    'SendEnv *',
    'SetEnv LC_ALL=de_DE.UTF-8',
    'ServerAliveInterval 0',
    'Tunnel yes',
  ];
  await writeFile(config, `Host *\n${settings.join('\n')}\nInclude ${sshd.config}\n`);
  await using(targetOf(sshd, { config, user: 'ops' }), async (host) => {
    const out = await Promise.all([host.run('id -u; cat; tty'), host.run('id -u')]);
    expect(out).toEqual([
      { status: 1, stdout: '0\nnot a tty\n', stderr: '' },
      { status: 0, stdout: '0\n', stderr: '' },
    ]);
  });
  const left = await spawned([
    'sh',
    '-c',
    `ls -d ${sshd.folder}/theirs-* ${sshd.folder}/local-command 2>/dev/null`,
  ]);
  expect(left.stdout).toBe('');
  await eventually('every connection to end', async () =>
    (await sshd.sessions()).length === 0 ? true : undefined,
  );
});
