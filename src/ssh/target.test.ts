import { describe, expect, test } from 'vitest';
import { type Target, checkTarget } from './target.ts';
import { sshArgv, targetOptions } from './words.ts';

const PLAIN: Target = { name: 'cp-0', address: '10.0.0.11' };

describe('a target', () => {
  test.each([
    ['address', '10.0.0.11'],
    ['address', 'fe80::1%eth0'],
    ['address', '::1'],
    ['address', 'cp-0.example.com'],
    ['address', 'prod/cp-0'],
    ['address', 'rack_1-node+2'],
    ['user', 'ops'],
    ['user', 'jane.doe@example.com'],
    ['user', 'EXAMPLE\\jane'],
    ['jump', 'bastion'],
    ['jump', 'ops@bastion:2222,[fd00::1]:22'],
    ['hostKey', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFMTqiZEGpFs7xOUL4bIIBrGr1f09C1qIbQba8GGn3km'],
    ['hostKey', 'sk-ssh-ed25519@openssh.com AAAA'],
    ['identityFile', '/home/me/my keys/id_ed25519'],
  ])('may have the %s %s', (field, value) => {
    expect(() => checkTarget({ ...PLAIN, [field]: value })).not.toThrow();
  });

  test.each([
    ['address', '-oProxyCommand=touch /tmp/pwned'],
    ['address', '$(touch /tmp/pwned)'],
    ['address', 'a\nb'],
    ['address', 'me@host'],
    ['address', 'ssh://host'],
    ['address', 'host//x'],
    ['address', 'a b'],
    ['address', '%h'],
    ['user', '-l'],
    ['user', 'a;b'],
    ['user', 'a\\'],
    ['user', '$USER'],
    ['jump', '-J'],
    ['jump', 'a b'],
    ['hostKey', 'ssh-ed25519 AAAA\n@revoked * ssh-rsa AAAA'],
    ['hostKey', 'AAAA'],
    ['identityFile', 'a"b'],
    ['identityFile', `\${HOME}/id`],
    ['name', '../cp-0'],
    ['name', ''],
  ])('may not have the %s %j', (field, value) => {
    expect(() => checkTarget({ ...PLAIN, [field]: value })).toThrow(
      expect.objectContaining({ code: 'ssh/value', exit: 2 }),
    );
  });
});

describe('the command line', () => {
  const part = {
    socket: '/run/x/1',
    log: '/run/x/2.log',
    connectTimeoutSeconds: 10,
    silenceSeconds: 60,
    old: false,
  };

  test('names the host after everything else, and after --', () => {
    const argv = sshArgv(
      { ...part, target: { ...PLAIN, user: 'ops', port: 2222 }, role: 'master' },
      'command',
    );
    expect(argv[0]).toBe('ssh');
    expect(argv.slice(-3)).toEqual(['--', '10.0.0.11', 'command']);
    expect(argv.join(' ')).toContain('-l ops -p 2222 -E /run/x/2.log -S /run/x/1 --');
  });

  test('never loosens the check of host keys', () => {
    for (const target of [PLAIN, { ...PLAIN, hostKey: 'ssh-ed25519 AAAA', knownHosts: '/x' }]) {
      for (const role of ['master', 'user'] as const) {
        const words = sshArgv({ ...part, target, role, pinned: '/run/x/1.pin' }, 'c').join(' ');
        expect(words).not.toMatch(/StrictHostKeyChecking=(?!yes)|UserKnownHostsFile="?\/dev\/null/);
      }
    }
    expect(sshArgv({ ...part, target: PLAIN, role: 'master' }, 'c').join(' ')).not.toMatch(
      /KnownHosts|StrictHost/,
    );
  });

  test('has ssh expand nothing in the names of files', () => {
    const odd: Target = { ...PLAIN, identityFile: '/a %h/id', knownHosts: '/b %d/known' };
    expect(targetOptions(odd)).toEqual([
      '-i',
      '/a %%h/id',
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'UserKnownHostsFile="/b %%d/known"',
    ]);
  });

  test('spares an old ssh what it does not know', () => {
    const words = (old: boolean): string =>
      sshArgv({ ...part, old, target: PLAIN, role: 'master' }, 'c').join(' ');
    expect(words(false)).toContain('SessionType=default');
    expect(words(true)).not.toMatch(/SessionType|StdinNull|ForkAfterAuthentication/);
  });
});
