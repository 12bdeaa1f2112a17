import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Program, spawned, start } from '../../src/ssh/spawned.ts';
import { refused, targetOf } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({
    users: [
      { name: 'stranger', admitted: false },
      { name: 'banned', sudo: 'free' },
      { name: 'nologin', shell: '/usr/sbin/nologin' },
      { name: 'false', shell: '/bin/false' },
      { name: 'forced', sudo: 'free' },
      { name: 'waiting', rc: 'sleep 600' },
    ],
    config: ['DenyUsers banned'],
    // Match blocks go to the end of the file.
    prepare: "printf 'Match User forced\\n  ForceCommand echo only backups here\\n' >> /etc/test/sshd_config",
  });
});

afterAll(() => sshd.stop());

/** An ssh_config with no key in it. */
async function keyless(): Promise<string> {
  const config = join(sshd.folder, 'keyless');
  await writeFile(config, `IdentityFile none\nIdentityAgent none\nUserKnownHostsFile ${sshd.knownHosts}\n`);
  return config;
}

describe('not in', () => {
  test('a key the host does not know, with what was offered', async () => {
    const problem = await refused(targetOf(sshd, { user: 'stranger' }));
    expect(problem).toMatchObject({ code: 'ssh/key-refused' });
    expect(problem.summary).toContain('does not take the key offered for stranger');
    expect(problem.saw).toContain(`offered: ${sshd.identityFile} SHA256:`);
  });

  test('no key at all, and a key file that is not there', async () => {
    const config = join(sshd.folder, 'keyless');
    await writeFile(config, `IdentityFile none\nIdentityAgent none\nUserKnownHostsFile ${sshd.knownHosts}\n`);
    expect(await refused(targetOf(sshd, { config }))).toMatchObject({
      code: 'ssh/key-refused',
      summary: expect.stringContaining('there is no key to show'),
    });
    const identityFile = join(sshd.folder, 'absent');
    expect(await refused(targetOf(sshd, { config, identityFile }))).toMatchObject({
      code: 'ssh/key-refused',
      saw: expect.stringContaining(`Identity file ${identityFile} not accessible`),
    });
  });

  test('a user who may not log in', async () => {
    expect(await refused(targetOf(sshd, { user: 'banned' }))).toMatchObject({ code: 'ssh/key-refused' });
    const noRoot = await startSshd({ config: ['PermitRootLogin no'] });
    try {
      const problem = await refused(targetOf(noRoot));
      expect(problem).toMatchObject({ code: 'ssh/user-refused' });
      expect(problem.summary).toContain('does not let root log in');
    } finally {
      await noRoot.stop();
    }
  });

  test('a key others can read; a key that is locked', async () => {
    const open = join(sshd.folder, 'open');
    await copyFile(sshd.identityFile, open);
    await chmod(open, 0o644);
    expect(await refused(targetOf(sshd, { identityFile: open, config: await keyless() }))).toMatchObject({
      code: 'ssh/key-too-open',
      try: `chmod 600 ${open}`,
    });
    const locked = join(sshd.folder, 'locked');
    await copyFile(sshd.identityFile, locked);
    await copyFile(`${sshd.identityFile}.pub`, `${locked}.pub`);
    await spawned(['ssh-keygen', '-q', '-p', '-P', '', '-N', 'a passphrase', '-f', locked]);
    expect(await refused(targetOf(sshd, { identityFile: locked, config: await keyless() }))).toMatchObject({
      code: 'ssh/key-locked',
    });
  });

  test('an agent with too many keys, and an agent that is gone', async () => {
    const socket = join(sshd.folder, 'agent');
    const agent: Program = start(['ssh-agent', '-D', '-a', socket]);
    await eventually('the agent', async () =>
      (await spawned(['ssh-add', '-l'], { env: { SSH_AUTH_SOCK: socket } })).status === 1 ? true : undefined,
    );
    const config = join(sshd.folder, 'agent-config');
    await writeFile(
      config,
      `IdentityAgent ${socket}\nIdentityFile none\nUserKnownHostsFile ${sshd.knownHosts}\n`,
    );
    const add = async (i: number): Promise<void> => {
      const key = join(sshd.folder, `key-${i}`);
      await spawned(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `key ${i}`, '-f', key]);
      await spawned(['ssh-add', '-q', key], { env: { SSH_AUTH_SOCK: socket } });
    };
    await add(0);
    await add(1);
    const two = await refused(targetOf(sshd, { config }));
    expect(two).toMatchObject({ code: 'ssh/key-refused' });
    expect(two.summary).toContain('takes none of the 2 keys offered for root');
    expect(two.saw).toMatch(/^offered: key 0 SHA256:\S+ \(agent\)\noffered: key 1 /);
    for (let i = 2; i < 7; i += 1) await add(i);
    const many = await refused(targetOf(sshd, { config }));
    expect(many).toMatchObject({ code: 'ssh/too-many-keys' });
    expect(many.summary).toContain('after 6 keys');
    agent.kill();
    await agent.ended;
    expect(await refused(targetOf(sshd, { config }))).toMatchObject({ code: 'ssh/no-agent' });
  });

  test('an account without a shell, with a false one, with a command of its own', async () => {
    expect(await refused(targetOf(sshd, { user: 'nologin' }))).toMatchObject({
      code: 'ssh/no-shell',
      saw: 'This account is currently not available.',
    });
    expect(await refused(targetOf(sshd, { user: 'false' }))).toMatchObject({ code: 'ssh/no-shell' });
    expect(await refused(targetOf(sshd, { user: 'forced' }))).toMatchObject({
      code: 'ssh/no-shell',
      saw: 'only backups here',
    });
  });

  test('a login that never ends', async () => {
    const problem = await refused(targetOf(sshd, { user: 'waiting' }), { loginTimeoutSeconds: 3 });
    expect(problem).toMatchObject({ code: 'ssh/slow-login' });
    expect(problem.summary).toContain('within 3 s');
  });

  test('an expired password; a host that is going down', async () => {
    const users = [{ name: 'ops', sudo: 'free' as const }];
    const expired = await startSshd({ users, config: ['UsePAM yes'], prepare: 'chage -d 0 ops' });
    const down = await startSshd({
      users,
      config: ['UsePAM yes'],
      prepare: 'echo "System is going down." > /run/nologin; cp /run/nologin /etc/nologin',
    });
    try {
      expect(await refused(targetOf(expired, { user: 'ops' }))).toMatchObject({
        code: 'ssh/password-expired',
      });
      const problem = await refused(targetOf(down, { user: 'ops' }));
      expect(problem).toMatchObject({ code: 'ssh/not-yet' });
      expect(problem.saw).toContain('System is going down.');
    } finally {
      await expired.stop();
      await down.stop();
    }
  });
});
