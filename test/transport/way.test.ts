import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hopsTo, resolveWay } from '../../src/ssh/resolve.ts';
import { refusal, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { DEAD_PORTS } from './wait.ts';

let bastion: Sshd;
let inner: Sshd;
let closed: Sshd;
let config: string;
/** Takes connections and says nothing. */
const silent = createServer((socket) => socket.on('error', () => undefined));

beforeAll(async () => {
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  [bastion, inner, closed] = await Promise.all([
    startSshd({ users: [{ name: 'jump' }, { name: 'stranger', admitted: false }] }),
    startSshd(),
    startSshd({ config: ['DisableForwarding yes'] }),
  ]);
  config = join(inner.folder, 'ways');
  const [deadPort] = DEAD_PORTS;
  const blocks: readonly [name: string, lines: readonly string[]][] = [
    [
      'bastion',
      [
        `Port ${bastion.port}`,
        'User jump',
        `IdentityFile ${bastion.identityFile}`,
        `UserKnownHostsFile ${bastion.knownHosts}`,
      ],
    ],
    [
      'strict-bastion',
      [
        `Port ${bastion.port}`,
        'User stranger',
        `IdentityFile ${bastion.identityFile}`,
        `UserKnownHostsFile ${bastion.knownHosts}`,
      ],
    ],
    [
      'new-bastion',
      [
        `Port ${bastion.port}`,
        'User jump',
        `IdentityFile ${bastion.identityFile}`,
        'UserKnownHostsFile /dev/null',
      ],
    ],
    ['dead-bastion', [`Port ${deadPort}`]],
    [
      'closed-bastion',
      [
        `Port ${closed.port}`,
        'User root',
        `IdentityFile ${closed.identityFile}`,
        `UserKnownHostsFile ${closed.knownHosts}`,
      ],
    ],
    ['through', [`Port ${inner.port}`, 'ProxyJump bastion']],
    ['through-two', [`Port ${inner.port}`, 'ProxyJump bastion,closed-bastion']],
    ['through-strict', [`Port ${inner.port}`, 'ProxyJump strict-bastion']],
    ['through-new', [`Port ${inner.port}`, 'ProxyJump new-bastion']],
    ['through-dead', [`Port ${inner.port}`, 'ProxyJump dead-bastion']],
    ['through-closed', [`Port ${inner.port}`, 'ProxyJump closed-bastion']],
    ['through-two-dead', [`Port ${inner.port}`, 'ProxyJump bastion,dead-bastion']],
    ['behind', [`Port ${deadPort}`, 'ProxyJump bastion']],
    ['by-command', [`Port ${inner.port}`, `ProxyCommand ssh -F ${config} -W %h:%p bastion`]],
    ['by-nothing', [`Port ${inner.port}`, 'ProxyCommand no-such-program %h %p']],
    ['by-silence', [`Port ${inner.port}`, 'ProxyCommand sleep 1000']],
    ['silent-bastion', [`Port ${(silent.address() as AddressInfo).port}`]],
    ['through-silent', [`Port ${inner.port}`, 'ProxyJump silent-bastion']],
  ];
  const text = blocks
    .map(([name, lines]) => `Host ${name}\n  HostName 127.0.0.1\n  ${lines.join('\n  ')}\n`)
    .join('');
  await writeFile(config, `${text}Host *\n  User root\n${await plain()}`);
});

async function plain(): Promise<string> {
  return `  IdentityFile ${inner.identityFile}\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile ${inner.knownHosts}\n  GlobalKnownHostsFile /dev/null\n`;
}

afterAll(async () => {
  silent.close();
  await Promise.all([bastion, inner, closed].map((one) => one.stop()));
});

const to = (address: string): Parameters<typeof refusal>[0] => ({ name: 'cp-0', address, config });

describe('a host behind others', () => {
  test('is reached through a jump host and through a command, also several times at once', async () => {
    for (const address of ['through', 'by-command']) {
      await using(to(address), async (host) => {
        const all = await Promise.all([1, 2, 3].map((i) => host.run(`echo ${i}; id -u`)));
        expect(all.map((out) => out.stdout)).toEqual(['1\n0\n', '2\n0\n', '3\n0\n']);
      });
    }
  });

  test('is told apart from its jump host when that refuses us', async () => {
    const problem = await refusal(to('through-strict'));
    expect(problem).toMatchObject({ code: 'ssh/jump-host', exit: 4, host: 'cp-0' });
    expect(problem.summary).toMatch(
      /^the jump host strict-bastion, on the way to cp-0 \(through-strict\), fails:/,
    );
    expect(problem.saw).toContain('stranger@127.0.0.1: Permission denied (publickey).');
  });

  test('is told apart from its jump host when that is not known, not there, or lets nobody through', async () => {
    const unknown = await refusal(to('through-new'));
    expect(unknown).toMatchObject({
      code: 'ssh/jump-host',
      try: expect.stringContaining('landfall hosts trust cp-0'),
    });
    const dead = await refusal(to('through-dead'));
    expect(dead).toMatchObject({ code: 'ssh/jump-host' });
    expect(dead.summary).toContain('the jump host dead-bastion, on the way to cp-0');
    expect(dead.saw).toContain('Connection refused');
    const closedOne = await refusal(to('through-closed'));
    expect(closedOne).toMatchObject({
      code: 'ssh/jump-host',
      summary: 'the jump host closed-bastion does not let us through to cp-0 (through-closed)',
    });
  });

  test('is told which of two jump hosts it was', async () => {
    const second = await refusal(to('through-two-dead'));
    expect(second).toMatchObject({
      code: 'ssh/jump-host',
      summary: 'the jump host dead-bastion cannot be reached from the jump host bastion: Connection refused',
    });
  });

  test('that is not there itself is so said, from where', async () => {
    expect(await refusal(to('behind'))).toMatchObject({
      code: 'ssh/unreachable',
      summary: 'cp-0 (behind) cannot be reached from the jump host bastion: Connection refused',
    });
  });

  test('that nobody answers for is so said, with what stands between', async () => {
    const command = await refusal(to('by-silence'), { connectTimeoutSeconds: 1 });
    expect(command).toMatchObject({
      code: 'ssh/unreachable',
      summary: 'cp-0 (by-silence) cannot be reached: no answer through its ProxyCommand',
      saw: expect.stringContaining('through: sleep 1000'),
    });
    const jump = await refusal(to('through-silent'), { connectTimeoutSeconds: 1 });
    expect(jump).toMatchObject({
      code: 'ssh/unreachable',
      summary: 'cp-0 (through-silent) cannot be reached: no answer through the jump host silent-bastion',
      try: expect.stringMatching(/^ssh -F \S+ silent-bastion true .*tells whether it is the jump host/),
    });
  });

  test('whose ProxyCommand fails shows what it said', async () => {
    const problem = await refusal(to('by-nothing'));
    expect(problem).toMatchObject({ code: 'ssh/proxy-command' });
    expect(problem.saw).toContain('not found');
    expect(problem.saw).toContain('through: no-such-program 127.0.0.1');
  });
});

describe('what ssh will do', () => {
  test('is told before it is done', async () => {
    expect(await resolveWay(to('through-two'))).toMatchObject({
      hostname: '127.0.0.1',
      port: inner.port,
      user: 'root',
      jumps: ['bastion', 'closed-bastion'],
      userKnownHosts: [inner.knownHosts],
      globalKnownHosts: ['/dev/null'],
      identityFiles: [inner.identityFile],
      strictHostKeyChecking: 'ask',
    });
    expect(await resolveWay({ ...to('by-nothing'), user: 'ops', port: 2222 })).toMatchObject({
      user: 'ops',
      port: 2222,
      jumps: [],
      proxyCommand: 'no-such-program %h %p',
    });
  });

  test('names every host whose key has to be known', async () => {
    const hops = await hopsTo(to('through-two'));
    expect(hops.map(({ address, jump }) => [address, jump])).toEqual([
      ['bastion', undefined],
      ['closed-bastion', 'bastion'],
      ['through-two', undefined],
    ]);
  });

  test('is refused as ssh refuses it', async () => {
    const bad = join(inner.folder, 'bad');
    await writeFile(bad, 'Port nonsense\n');
    await expect(resolveWay({ ...to('x'), config: bad })).rejects.toMatchObject({
      code: 'ssh/config',
      exit: 4,
    });
  });
});
