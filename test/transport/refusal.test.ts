import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Program, spawned, start } from '../../src/ssh/spawned.ts';
import { refusal, targetOf } from './reach.ts';
import { type Sshd, eventually, freePort, startSshd } from './sshd.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({
    users: [
      { name: 'password', sudo: 'password' },
      { name: 'terminal', sudo: 'terminal' },
      { name: 'nobody-special' },
      { name: 'stranger', admitted: false },
      { name: 'banned', sudo: 'free' },
      { name: 'nologin', shell: '/usr/sbin/nologin' },
      { name: 'false', shell: '/bin/false' },
      { name: 'forced', sudo: 'free' },
      { name: 'waiting', rc: 'sleep 600' },
    ],
    config: ['DenyUsers banned'],
    prepare: [
      "echo 'Defaults:nobody-special !authenticate' >> /etc/sudoers",
      // Match blocks go to the end of the file.
      "printf 'Match User forced\\n  ForceCommand echo only backups here\\n' >> /etc/test/sshd_config",
    ].join('\n'),
  });
});

afterAll(() => sshd.stop());

/** Asserts what all refusals have in common; gives it back. */
async function refused(...of: Parameters<typeof refusal>): Promise<Awaited<ReturnType<typeof refusal>>> {
  const problem = await refusal(...of);
  expect(problem).toMatchObject({ exit: 4, host: 'cp-0' });
  expect(problem.summary).not.toMatch(/[.\n]$/);
  expect(problem.try).toBeTruthy();
  expect(problem.why).toBeTruthy();
  return problem;
}

describe('not root', () => {
  test('sudo wants a password', async () => {
    const problem = await refused(targetOf(sshd, { user: 'password' }));
    expect(problem).toMatchObject({ code: 'ssh/sudo-password', saw: 'sudo: a password is required' });
    expect(problem.summary).toContain('from password');
    expect(problem.try).toContain('password ALL=(ALL) NOPASSWD: ALL');
  });

  test('not in sudoers', async () => {
    const problem = await refused(targetOf(sshd, { user: 'nobody-special' }));
    expect(problem).toMatchObject({
      code: 'ssh/not-a-sudoer',
      saw: 'nobody-special is not in the sudoers file.',
    });
  });

  test('sudo wants a terminal', async () => {
    expect(await refused(targetOf(sshd, { user: 'terminal' }))).toMatchObject({ code: 'ssh/sudo-tty' });
  });

  test('no sudo', async () => {
    const bare = await startSshd({ sudo: false, users: [{ name: 'ops' }] });
    try {
      const problem = await refused(targetOf(bare, { user: 'ops' }));
      expect(problem).toMatchObject({ code: 'ssh/no-sudo' });
      expect(problem.saw).toMatch(/sudo: not found$/);
    } finally {
      await bare.stop();
    }
  });

  test('sudo without its setuid bit; a disk so full that sudo cannot log', async () => {
    const bad = await startSshd({
      users: [{ name: 'ops', sudo: 'free' }],
      prepare: 'chmod u-s /usr/bin/sudo',
    });
    const full = await startSshd({
      users: [{ name: 'ops', sudo: 'free' }],
      prepare: `
        echo 'Defaults logfile=/full/log, !ignore_logfile_errors' >> /etc/sudoers
        mkdir /full
        mount -t tmpfs -o size=4k,nr_inodes=2 tmpfs /full
        echo x > /full/x
      `,
    });
    try {
      expect(await refused(targetOf(bad, { user: 'ops' }))).toMatchObject({ code: 'ssh/no-sudo' });
      const problem = await refused(targetOf(full, { user: 'ops' }));
      expect(problem).toMatchObject({ code: 'ssh/disk-full' });
      expect(problem.saw).toContain('No space left on device');
    } finally {
      await bad.stop();
      await full.stop();
    }
  });
});

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

async function keyless(): Promise<string> {
  const config = join(sshd.folder, 'keyless');
  await writeFile(config, `IdentityFile none\nIdentityAgent none\nUserKnownHostsFile ${sshd.knownHosts}\n`);
  return config;
}

/** A server that says something else than SSH, or nothing. */
async function impostor(greet: (socket: Socket) => void): Promise<Server & { readonly at: number }> {
  const at = await freePort();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  return Object.assign(server, { at });
}

describe('not there', () => {
  test('nobody listens', async () => {
    const problem = await refused(targetOf(sshd, { port: await freePort() }));
    expect(problem).toMatchObject({ code: 'ssh/unreachable' });
    expect(problem.summary).toContain('refuses the connection');
  });

  test('nobody knows the name', async () => {
    const problem = await refused(targetOf(sshd, { address: 'no-such-host.invalid' }));
    expect(problem).toMatchObject({ code: 'ssh/unreachable' });
    expect(problem.saw).toContain('Could not resolve hostname no-such-host.invalid');
  });

  test('nobody answers', async () => {
    // A server that accepts nobody and whose queue is full: the kernel drops what comes.
    const port = await freePort();
    const deaf = start([
      process.execPath,
      '-e',
      `const s=require('net').createServer().listen({port:${port},host:'127.0.0.1',backlog:1},()=>{console.log('up');process.kill(process.pid,'SIGSTOP')})`,
    ]);
    const sockets: Program[] = [];
    try {
      await eventually('the queue to fill', async () => {
        sockets.push(start(['ssh-keyscan', '-T', '600', '-p', String(port), '127.0.0.1']));
        const waiting = await spawned(['ss', '-Htn', 'state', 'syn-sent', `( dport = :${port} )`]);
        return waiting.stdout.trim() === '' ? undefined : true;
      });
      const problem = await refused(targetOf(sshd, { port }), { connectTimeoutSeconds: 2 });
      expect(problem).toMatchObject({ code: 'ssh/unreachable' });
      expect(problem.summary).toContain('no answer');
    } finally {
      for (const socket of sockets) socket.kill('SIGKILL');
      deaf.kill('SIGKILL');
    }
  });

  test('somebody takes the connection and says nothing; or speaks HTTP', async () => {
    const silent = await impostor(() => {});
    const web = await impostor((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
    });
    try {
      const first = await refused(targetOf(sshd, { port: silent.at }), { connectTimeoutSeconds: 1 });
      expect(first).toMatchObject({ code: 'ssh/unreachable' });
      expect(first.summary).toContain('says nothing');
      expect(await refused(targetOf(sshd, { port: web.at }))).toMatchObject({
        code: 'ssh/not-ssh',
        saw: 'HTTP/1.1 400 Bad Request',
      });
    } finally {
      silent.close();
      web.close();
    }
  });

  test('an sshd that hangs up at once', async () => {
    const full = await impostor((socket) => socket.end('Exceeded MaxStartups\r\n'));
    const curt = await impostor((socket) => socket.destroy());
    try {
      expect(await refused(targetOf(sshd, { port: full.at }))).toMatchObject({
        code: 'ssh/busy',
        saw: 'Exceeded MaxStartups',
      });
      expect(await refused(targetOf(sshd, { port: curt.at }))).toMatchObject({ code: 'ssh/busy' });
    } finally {
      full.close();
      curt.close();
    }
  });

  test('no algorithm in common', async () => {
    const config = join(sshd.folder, 'old-kex');
    await writeFile(config, `KexAlgorithms diffie-hellman-group1-sha1\nInclude ${sshd.config}\n`);
    const problem = await refused(targetOf(sshd, { config }));
    expect(problem).toMatchObject({ code: 'ssh/no-common-algorithm' });
    expect(problem.summary).toContain('key exchange method');
    expect(problem.try).toContain('KexAlgorithms +');
  });
});

describe('this machine', () => {
  test('a bad line in ssh_config, with its place', async () => {
    const config = join(sshd.folder, 'bad');
    await writeFile(config, 'Host *\n  Frobnicate yes\n');
    expect(await refused(targetOf(sshd, { config }))).toMatchObject({
      code: 'ssh/config',
      summary: 'ssh refuses its configuration: Bad configuration option: frobnicate',
      where: { file: config, line: 2, column: 1 },
    });
    await writeFile(config, 'Host *\n  Port x\n');
    expect(await refused(targetOf(sshd, { config }))).toMatchObject({
      code: 'ssh/config',
      where: { file: config, line: 2 },
    });
  });

  test('an ssh_config that is not there', async () => {
    const config = join(sshd.folder, 'no-such-config');
    const problem = await refusal(targetOf(sshd, { config }));
    expect(problem).toMatchObject({ code: 'ssh/config', exit: 4 });
    expect(problem.saw).toContain(config);
  });

  test('no ssh', async () => {
    const path = process.env['PATH'];
    const empty = join(sshd.folder, 'empty');
    await mkdir(empty, { recursive: true });
    process.env['PATH'] = empty;
    try {
      expect(await refused(targetOf(sshd))).toMatchObject({ code: 'ssh/not-installed' });
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('an ssh that does not know our newer settings is asked again without them', async () => {
    const folder = join(sshd.folder, 'old-ssh');
    await mkdir(folder, { recursive: true });
    const ssh = (await spawned(['sh', '-c', 'command -v ssh'])).stdout.trim();
    // What OpenSSH 8.2 says to a setting of 8.7.
    await writeFile(
      join(folder, 'ssh'),
      `#!/bin/sh\ncase "$*" in *SessionType*) echo "command-line: line 0: Bad configuration option: sessiontype" >&2; exit 255;; esac\nexec ${ssh} "$@"\n`,
    );
    await chmod(join(folder, 'ssh'), 0o755);
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder}:${path}`;
    try {
      await expect(refusal(targetOf(sshd))).rejects.toThrow('it was let in');
    } finally {
      process.env['PATH'] = path;
    }
  });
});
