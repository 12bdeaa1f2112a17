import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyWay } from '../../src/ssh/any-way.ts';
import { carryTrust } from '../../src/ssh/carry-trust.ts';
import { localHost } from '../../src/ssh/local.ts';
import { openSsh } from '../../src/ssh/open-ssh.ts';
import { ownSsh } from '../../src/ssh/own-ssh.ts';
import type { Target } from '../../src/ssh/target.ts';
import { pinLine } from '../../src/ssh/words.ts';
import { refusal, targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { DEAD_PORTS, freePort } from './wait.ts';

let sshd: Sshd;
let second: number;
const [dead, elsewhere] = DEAD_PORTS;

beforeAll(async () => {
  second = await freePort();
  sshd = await startSshd({ config: [`Port ${second}`], users: [{ name: 'ops', sudo: 'free' }] });
});
afterAll(() => sshd.stop());

/** The host with a known_hosts file of the test's own. */
async function known(name: string, more = ''): Promise<{ target: Target; file: string }> {
  const file = join(sshd.folder, name);
  await copyFile(sshd.knownHosts, file);
  const config = `${file}.config`;
  const text = await readFile(sshd.config, 'utf8');
  await writeFile(config, `${more}${text.replace(sshd.knownHosts, file)}`);
  return { target: targetOf(sshd, { config }), file };
}

describe('a host under another port', () => {
  test('is known by the keys it was known by before, and asked nothing', async () => {
    const { target, file } = await known('carried');
    const moved = { ...target, port: second };
    expect(await refusal(moved)).toMatchObject({ code: 'ssh/host-key-unknown' });
    expect(await carryTrust(target, second)).toBe(file);
    const after = await readFile(file, 'utf8');
    expect(after).toContain(`[127.0.0.1]:${second} ${sshd.hostKeys[0]}`);
    expect((await using(moved, (host) => host.run('id -u'))).stdout).toBe('0\n');
    expect(await carryTrust(target, second)).toBeUndefined();
    expect(await readFile(file, 'utf8')).toBe(after);
  });

  test('is hashed where the user hashes names', async () => {
    const { target, file } = await known('hashed', 'HashKnownHosts yes\n');
    await carryTrust(target, second);
    expect(await readFile(file, 'utf8')).not.toContain(`:${second} `);
    expect((await using({ ...target, port: second }, (host) => host.run('id -u'))).stdout).toBe('0\n');
  });

  test('of which another key is known there already is left to its user', async () => {
    const { target, file } = await known('other');
    const other = `[127.0.0.1]:${second} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFuIGV4YW1wbGUsIG5vdCBhbnlib2R5J3Mgb3duIGtl\n`;
    await writeFile(file, `${await readFile(file, 'utf8')}${other}`);
    expect(await carryTrust(target, second)).toBeUndefined();
    expect(await refusal({ ...target, port: second })).toMatchObject({ code: 'ssh/host-key-changed' });
  });

  test('whose key is pinned, or that is not known at all, gets no line', async () => {
    const { target, file } = await known('pinned');
    const key = sshd.hostKeys[0] ?? '';
    expect(await carryTrust({ ...target, hostKey: key }, second)).toBeUndefined();
    await writeFile(file, '');
    expect(await carryTrust(target, second)).toBeUndefined();
    expect(await readFile(file, 'utf8')).toBe('');
  });
});

describe('a host that may listen in several places', () => {
  test('is found where it listens, and from then on looked for there first', async () => {
    const { target } = await known('ways');
    const tried: number[] = [];
    const way = (port: number): ReturnType<typeof openSsh> => {
      const host = openSsh({ ...target, port });
      return { ...host, run: (...of) => (tried.push(port), host.run(...of)) };
    };
    const host = anyWay([way(dead), way(sshd.port)]);
    try {
      expect((await host.run('echo one')).stdout).toBe('one\n');
      expect((await host.run('echo two')).stdout).toBe('two\n');
      expect(tried).toEqual([dead, sshd.port, sshd.port]);
    } finally {
      await host.close();
    }
  });

  test('and nowhere does, is told as of the first place; one that refuses us there is not looked for elsewhere', async () => {
    const { target } = await known('none');
    const closed = anyWay([openSsh({ ...target, port: dead }), openSsh({ ...target, port: elsewhere })]);
    await expect(closed.run('true')).rejects.toMatchObject({
      code: 'ssh/unreachable',
      saw: expect.stringContaining(`${dead}`),
    });
    await closed.close();
    const stranger = anyWay([openSsh({ ...target, user: 'eve' }), openSsh(target)]);
    await expect(stranger.run('true')).rejects.toMatchObject({
      code: expect.stringMatching(/^ssh\/(key|user)-refused$/),
    });
    await stranger.close();
  });
});

describe('ssh in scripts on this machine', () => {
  const ask = async (targets: readonly Target[], script: string, pin?: string): Promise<string> => {
    const host = localHost({ before: () => Promise.resolve(ownSsh(targets, () => pin)) });
    return (await host.run(script)).stdout;
  };

  test('goes to a host of ours as Landfall does, and through the port that is named', async () => {
    const { target } = await known('own');
    await carryTrust(target, second);
    const port = 'echo "${SSH_CONNECTION##* }"';
    const script = `ssh -o BatchMode=yes -- 127.0.0.1 '${port}'; ssh -o BatchMode=yes -p ${second} -- 127.0.0.1 '${port}'`;
    expect(await ask([target], script)).toBe(`${sshd.port}\n${second}\n`);
    expect(await ask([{ ...target, user: 'ops' }], "ssh -- 127.0.0.1 'id -un'")).toBe('ops\n');
  });

  test('holds a host to its pinned key, and reads its standard input whatever ssh_config says', async () => {
    const { target } = await known('own-pinned', 'StdinNull yes\nForkAfterAuthentication yes\n');
    const pin = join(sshd.folder, 'pin');
    const good = { ...target, hostKey: sshd.hostKeys[0] ?? '' };
    await writeFile(pin, pinLine(good));
    expect(
      await ask([good], `ssh -p ${second} -- 127.0.0.1 'exec sh -s' <<'END'\necho heard\nEND`, pin),
    ).toBe('heard\n');
    await writeFile(
      pin,
      pinLine({
        ...good,
        hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFuIGV4YW1wbGUsIG5vdCBhbnlib2R5J3Mgb3duIGtl',
      }),
    );
    expect(await ask([good], `ssh -- 127.0.0.1 'echo in' || echo refused`, pin)).toBe('refused\n');
  });
});
