import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawned } from '../../src/ssh/spawned.ts';
import { targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({ users: [{ name: 'ops', sudo: 'free' }] });
});

afterAll(() => sshd.stop());

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
