import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refused, targetOf } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({
    users: [
      { name: 'password', sudo: 'password' },
      { name: 'terminal', sudo: 'terminal' },
      { name: 'nobody-special' },
    ],
    prepare: "echo 'Defaults:nobody-special !authenticate' >> /etc/sudoers",
  });
});

afterAll(() => sshd.stop());

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
