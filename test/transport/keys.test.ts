import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Program, spawned, start } from '../../src/ssh/spawned.ts';
import { refusal, refused, targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

/*
 * Ways of proving who one is that a library would have to learn one by one: certificates of users and of hosts, agents, tokens.
 * All of them are OpenSSH's, and nothing of them is Landfall's: cluster.yaml and the user's ssh_config are enough.
 */

let sshd: Sshd;
let agents: Program[] = [];

const keygen = async (...words: readonly string[]): Promise<void> => {
  const done = await spawned(['ssh-keygen', '-q', ...words]);
  if (done.status !== 0) throw new Error(done.stderr);
};

beforeAll(async () => {
  sshd = await startSshd({
    users: [{ name: 'ops', sudo: 'free', admitted: false }],
    config: [
      'TrustedUserCAKeys /etc/test/user_ca.pub',
      'HostCertificate /etc/test/host_ed25519-cert.pub',
      'AuthorizedKeysFile /etc/test/%u.keys /etc/test/%u.more',
    ],
    prepare: `
      cd /etc/test
      for name in user_ca host_ca; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$name"; done
      ssh-keygen -q -s host_ca -I cp-0 -h -n 127.0.0.1 host_ed25519.pub`,
  });
});

afterAll(async () => {
  for (const agent of agents) agent.kill();
  await sshd.stop();
});

const inside = (name: string): string => join(sshd.root, 'etc/test', name);
const knowing = (file: string): string => `UserKnownHostsFile ${file}\nGlobalKnownHostsFile /dev/null\n`;

async function config(
  name: string,
  lines: readonly string[],
  known = knowing(sshd.knownHosts),
): Promise<string> {
  const file = join(sshd.folder, name);
  await writeFile(file, `${lines.join('\n')}\n${known}`);
  return file;
}

const isRoot = async (changed: Parameters<typeof targetOf>[1]): Promise<string> =>
  (await using(targetOf(sshd, changed), (host) => host.run('id -u; printf "%s" "$SUDO_USER"'))).stdout;

describe('a certificate', () => {
  /** A key of which the host knows nothing, and its certificate. */
  async function certified(name: string, ...words: readonly string[]): Promise<string> {
    const key = join(sshd.folder, name);
    await keygen('-t', 'ed25519', '-N', '', '-f', key);
    await keygen('-s', inside('user_ca'), '-I', name, ...words, `${key}.pub`);
    return config(`${name}.config`, [
      `IdentityFile ${key}`,
      `CertificateFile ${key}-cert.pub`,
      'IdentitiesOnly yes',
      'IdentityAgent none',
    ]);
  }

  test('of a user lets them in by their authority, whose key alone the host knows', async () => {
    expect(await isRoot({ user: 'ops', config: await certified('good', '-n', 'ops') })).toBe('0\nops');
  });

  test.each([
    ['for somebody else', ['-n', 'eve']],
    ['that has run out', ['-n', 'ops', '-V', '20200101:20200102']],
  ])('of a user %s is refused as a key is', async (name, words) => {
    const file = await certified(name.replaceAll(' ', '-'), ...words);
    expect(await refused(targetOf(sshd, { user: 'ops', config: file }))).toMatchObject({
      code: 'ssh/key-refused',
    });
  });

  test('of a host makes it known by its authority, under every port; one in another name does not', async () => {
    const authority = (await readFile(inside('host_ca.pub'), 'utf8')).trim();
    const known = join(sshd.folder, 'authorities');
    await writeFile(known, `@cert-authority * ${authority}\n`);
    const mine = [`IdentityFile ${sshd.identityFile}`, 'IdentitiesOnly yes', 'IdentityAgent none'];
    expect(await isRoot({ config: await config('by-authority', mine, knowing(known)) })).toBe('0\n');
    const other = ['HostKeyAlias somebody-else', ...mine];
    const problem = await refusal(
      targetOf(sshd, { config: await config('by-another', other, knowing(known)) }),
    );
    expect(problem).toMatchObject({ exit: 4, code: expect.stringMatching(/^ssh\/host-key-/) });
  });
});

describe('an agent', () => {
  async function agentWith(name: string, key: string): Promise<string> {
    const socket = join(sshd.folder, `${name}.agent`);
    agents = [...agents, start(['ssh-agent', '-D', '-a', socket])];
    const env = { SSH_AUTH_SOCK: socket };
    await eventually('the agent', async () =>
      (await spawned(['ssh-add', '-l'], { env })).status === 1 ? true : undefined,
    );
    const added = await spawned(['ssh-add', '-q', key], { env });
    expect(added.stderr).toBe('');
    return socket;
  }

  test('holds the key, which lies nowhere on this machine; ssh_config says which agent', async () => {
    const key = join(sshd.folder, 'only-in-agent');
    await keygen('-t', 'ed25519', '-N', '', '-f', key);
    await writeFile(inside('ops.more'), await readFile(`${key}.pub`));
    const socket = await agentWith('one', key);
    await rm(key);
    const file = await config('agent.config', [`IdentityAgent ${socket}`, 'IdentityFile none']);
    expect(await isRoot({ user: 'ops', config: file })).toBe('0\nops');
    // Named by its public half, so that only this key of many is offered.
    const named = await config('named.config', [
      `IdentityAgent ${socket}`,
      `IdentityFile ${key}.pub`,
      'IdentitiesOnly yes',
    ]);
    expect(await isRoot({ user: 'ops', config: named })).toBe('0\nops');
  });

  test('whose key has a certificate', async () => {
    const key = join(sshd.folder, 'agent-certified');
    await keygen('-t', 'ed25519', '-N', '', '-f', key);
    await keygen('-s', inside('user_ca'), '-I', 'agent', '-n', 'ops', `${key}.pub`);
    const socket = await agentWith('two', key);
    const file = await config('agent-cert.config', [`IdentityAgent ${socket}`, 'IdentityFile none']);
    expect(await isRoot({ user: 'ops', config: file })).toBe('0\nops');
  });
});

const compiler = await spawned([
  'sh',
  '-c',
  'command -v gcc && test -e /usr/include/openssl/evp.h && test -e /usr/lib/openssh/ssh-sk-helper',
]);

describe.runIf(compiler.status === 0)(
  'a hardware key (no token is here: ssh speaks to test/transport/token.c in place of libfido2)',
  () => {
    let token: string;
    let key: string;

    beforeAll(async () => {
      token = join(sshd.folder, 'token.so');
      const source = join(import.meta.dirname, 'token.c');
      const built = await spawned([
        'gcc',
        '-O2',
        '-Wall',
        '-Werror',
        '-fPIC',
        '-shared',
        '-o',
        token,
        source,
        '-lcrypto',
      ]);
      if (built.status !== 0) throw new Error(built.stderr);
      key = join(sshd.folder, 'id_ed25519_sk');
      await keygen('-t', 'ed25519-sk', '-w', token, '-N', '', '-f', key);
      await appendFile(inside('ops.more'), await readFile(`${key}.pub`));
    });

    test('lets in, touched for the one connection that all scripts share', async () => {
      const file = await config('token.config', [
        `IdentityFile ${key}`,
        'IdentitiesOnly yes',
        'IdentityAgent none',
        `SecurityKeyProvider ${token}`,
      ]);
      expect(await isRoot({ user: 'ops', config: file })).toBe('0\nops');
      await using(targetOf(sshd, { user: 'ops', config: file }), async (host) => {
        const all = await Promise.all([1, 2, 3].map((n) => host.run(`echo ${n}`)));
        expect(all.map(({ stdout }) => stdout)).toEqual(['1\n', '2\n', '3\n']);
      });
    });

    test('that is not plugged in is told as a key that was not taken', async () => {
      const file = await config('unplugged.config', [
        `IdentityFile ${key}`,
        'IdentitiesOnly yes',
        'IdentityAgent none',
        'SecurityKeyProvider /nonexistent/token.so',
      ]);
      const problem = await refusal(targetOf(sshd, { user: 'ops', config: file }));
      expect(problem).toMatchObject({ exit: 4, code: expect.stringMatching(/^ssh\//) });
      expect(`${problem.saw ?? ''} ${problem.summary} ${problem.try ?? ''}`).toMatch(/id_ed25519_sk|key/);
    });
  },
);
