import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawned } from '../../src/ssh/spawned.ts';
import { refusal, refused, targetOf } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
});

afterAll(() => sshd.stop());

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
