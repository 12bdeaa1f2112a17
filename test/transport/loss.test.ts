import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Disconnected, type Host } from '../../src/ssh/host.ts';
import { type Program, spawned, start } from '../../src/ssh/spawned.ts';
import { targetOf, using } from './reach.ts';
import { relayTo } from './relay.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({ users: [{ name: 'slow', sudo: 'free', rc: 'sleep 607' }] });
});

afterAll(() => sshd.stop());

const noSession = (): Promise<true> =>
  eventually('every connection to end', async () =>
    (await sshd.sessions()).length === 0 ? true : undefined,
  );

beforeEach(() => noSession());

/** Begins a script that waits on the host for ever, and gives its promise once it runs. */
async function waiting(host: Host): Promise<{ readonly out: ReturnType<Host['run']> }> {
  let heard = '';
  const out = host.run('echo there; while :; do sleep 1; done', { onData: (text) => (heard += text) });
  out.catch(() => {});
  await eventually('the script to begin', () => (heard === '' ? undefined : true));
  return { out };
}

async function loss(out: Promise<unknown>): Promise<Disconnected> {
  try {
    await out;
  } catch (error) {
    if (error instanceof Disconnected) return error;
    throw error;
  }
  throw new Error('it ended by itself');
}

describe('a connection that is lost while a script runs', () => {
  test('because the host killed it', async () => {
    await using(targetOf(sshd), async (host) => {
      const { out } = await waiting(host);
      expect(await sshd.cut()).toBe(1);
      const error = await loss(out);
      expect(error.host).toBe('cp-0');
      expect(error.message).toMatch(
        /^the connection to cp-0 was lost: Connection to 127\.0\.0\.1 closed by remote host$/,
      );
      expect((await host.run('echo back')).stdout).toBe('back\n');
      expect(host.trips()).toBe(2);
    });
  });

  test('because the network reset it, for every script at once', async () => {
    const relay = await relayTo(sshd.port);
    try {
      await using(targetOf(sshd, { port: relay.port, ...pinned() }), async (host) => {
        const all = [await waiting(host), await waiting(host), await waiting(host)];
        relay.cut();
        for (const { out } of all) expect((await loss(out)).host).toBe('cp-0');
        expect((await host.run('echo back')).stdout).toBe('back\n');
      });
    } finally {
      await relay.close();
    }
  });

  test('because nothing passes any more', async () => {
    const relay = await relayTo(sshd.port);
    try {
      await using(
        targetOf(sshd, { port: relay.port, ...pinned() }),
        async (host) => {
          const { out } = await waiting(host);
          relay.freeze();
          expect((await loss(out)).message).toMatch(/Timeout, server .* not responding$/);
        },
        { silenceSeconds: 4 },
      );
    } finally {
      await relay.close();
    }
  });

  test('before its shell answered: nobody can say that nothing was done', async () => {
    await using(targetOf(sshd, { user: 'slow' }), async (host) => {
      const out = host.run('true');
      out.catch(() => {});
      await eventually('the login shell', async () =>
        (await spawned(['pgrep', '-f', 'sleep 607'])).status === 0 ? true : undefined,
      );
      await sshd.cut();
      expect((await loss(out)).host).toBe('cp-0');
    });
  });

  test('between scripts is opened again without a word', async () => {
    await using(targetOf(sshd), async (host) => {
      await host.run('true');
      await sshd.cut();
      // Whoever asks at once may still find the old one; afterwards it is gone.
      const said = await eventually('a new connection', async () => {
        try {
          return (await host.run('echo back')).stdout;
        } catch (error) {
          if (error instanceof Disconnected) return undefined;
          throw error;
        }
      });
      expect(said).toBe('back\n');
    });
  });
});

/** The host pinned, so that it is known whatever the port. */
function pinned(): { readonly hostKey: string } {
  return { hostKey: sshd.hostKeys[0] ?? '' };
}

/** Starts a client of its own. @param before words before its command. */
function client(
  script: string,
  times: number,
  stay = false,
  before: readonly string[] = [],
): { readonly program: Program; readonly said: () => string } {
  let said = '';
  const [first, ...rest] = [
    ...before,
    process.execPath,
    '--import',
    'tsx',
    new URL('./client.ts', import.meta.url).pathname,
    JSON.stringify([targetOf(sshd), script, times]),
    ...(stay ? ['stay'] : []),
  ] as [string, ...string[]];
  const program = start([first, ...rest], { onStdout: (text) => (said += text) });
  return { program, said: () => said };
}

/** The ssh processes that speak to the test host. */
async function sshs(): Promise<string> {
  return (await spawned(['pgrep', '-af', `^ssh .*-p ${sshd.port} `])).stdout;
}

describe('when Landfall dies', () => {
  test('by SIGKILL in the middle of silent scripts, no ssh is left, and no socket', async () => {
    const { program, said } = client('echo there; sleep 300', 3);
    await eventually('three scripts', () => (said() === 'there\n'.repeat(3) ? true : undefined));
    expect((await sshs()).trim().split('\n').length).toBe(3);
    program.kill('SIGKILL');
    expect(await program.ended).toBe(137);
    await eventually('no ssh', async () => ((await sshs()) === '' ? true : undefined), 10_000);
    await noSession();
    // Its folder goes when the next Landfall comes.
    const base =
      process.env['XDG_RUNTIME_DIR'] === undefined
        ? '/tmp/landfall-0'
        : `${process.env['XDG_RUNTIME_DIR']}/landfall`;
    const next = client('true', 1);
    expect(await next.program.ended).toBe(3);
    const left = existsSync(base)
      ? readdirSync(base).filter((name) => name.startsWith(`${program.pid}-`))
      : [];
    expect(left).toEqual([]);
  });

  test('by SIGKILL between scripts, no ssh is left', async () => {
    const { program, said } = client('true', 4, true);
    await eventually('the scripts', () => (said() === 'done\n' ? true : undefined));
    expect(await sshs()).not.toBe('');
    program.kill('SIGKILL');
    await program.ended;
    await eventually('no ssh', async () => ((await sshs()) === '' ? true : undefined), 10_000);
  });

  test('by SIGKILL where the kernel does not help, as on macOS, its shells end with their input', async () => {
    const hidden = ['unshare', '-m', '--propagation', 'private', 'sh', '-c'] as const;
    const without = [...hidden, 'mount --bind /dev/null /usr/bin/setpriv && exec "$@"', 'sh'] as const;
    const { program, said } = client('true', 3, true, without);
    await eventually('the scripts', () => (said() === 'done\n' ? true : undefined));
    expect((await sshs()).trim().split('\n').length).toBeGreaterThan(0);
    program.kill('SIGKILL');
    await program.ended;
    await eventually('no ssh', async () => ((await sshs()) === '' ? true : undefined), 10_000);
  });

  test('or only forgets to close, its connections go with it', async () => {
    const { program } = client('true', 2);
    expect(await program.ended).toBe(3);
    await eventually('no ssh', async () => ((await sshs()) === '' ? true : undefined), 10_000);
  });

  test('Ctrl-C at its terminal does not reach its connections', async () => {
    await using(targetOf(sshd), async (host) => {
      await host.run('true');
      const [pid] = (await sshs()).trim().split(' ');
      const ids = await spawned(['ps', '-o', 'pgid=,sid=,tty=', '-p', String(pid)]);
      expect(ids.stdout.trim().split(/\s+/)).toEqual([pid, pid, '?']);
    });
  });
});
