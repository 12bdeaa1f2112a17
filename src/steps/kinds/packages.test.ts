import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Shell, sh } from '../../shell/sh.ts';
import { install, patient, updateIndexes, updateWhatAnswers } from './packages.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs it as a make does, with an `apt-get` that says this the first times and then prints `done`. */
function made(times: number, says: string): { status: number | null; stdout: string; tries: number } {
  const tries = join(dir, 'tries');
  writeFileSync(tries, '');
  writeFileSync(join(dir, 'says'), says);
  writeFileSync(
    join(dir, 'apt-get'),
    `#!/bin/sh\nprintf x >>'${tries}'\n[ "$(wc -c <'${tries}')" -gt ${times} ] || { echo 'Reading lists...'; cat '${dir}/says' >&2; exit 100; }\necho 'W: careful' >&2\necho done\n`,
  );
  chmodSync(join(dir, 'apt-get'), 0o755);
  const script = `( set -eu\n${patient(sh`apt-get -q update`).text}\n) </dev/null 2>&1`;
  const { status, stdout } = spawnSync('dash', ['-c', script], {
    encoding: 'utf8',
    env: { PATH: `${dir}:${process.env['PATH']}`, tmp: dir },
  });
  return { status, stdout, tries: readFileSync(tries, 'utf8').length };
}

const APT =
  'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (unattended-upgr)\nE: Unable to lock directory /var/lib/apt/lists/\n';

describe('a lock that another program holds', () => {
  it('is waited for, and whose it is said meanwhile', () => {
    expect(made(2, APT)).toEqual({
      status: 0,
      stdout: `${'Reading lists...\nwaiting for process 4711 (unattended-upgr), which holds /var/lib/apt/lists/lock\n'.repeat(2)}done\nW: careful\n`,
      tries: 3,
    });
  });

  it.each([
    [
      'dpkg: error: dpkg frontend lock was locked by another process with pid 4711\nNote: removing the lock file is always wrong\n',
      'waiting for process 4711, which holds the lock of dpkg',
    ],
    ['E: Could not get lock /x - open (11)\n', 'waiting for another program that installs packages'],
  ])('%j', (says, said) => {
    expect(made(1, says).stdout).toContain(`\n${said}\n`);
  });

  it('is no reason to try again what fails otherwise', () => {
    expect(made(5, 'E: Unable to locate package kubelet\n')).toEqual({
      status: 1,
      stdout: 'Reading lists...\nE: Unable to locate package kubelet\n',
      tries: 1,
    });
  });
});

describe('a package of the distribution', () => {
  /** With an apt-get whose update fails over a repository of somebody else's. */
  const installed = (update: Shell): { status: number | null; stdout: string } => {
    writeFileSync(
      join(dir, 'apt-get'),
      `#!/bin/sh\ncase $* in *' update'*) echo 'E: The repository is not signed.' >&2; exit 100 ;; esac\necho installed\n`,
    );
    chmodSync(join(dir, 'apt-get'), 0o755);
    writeFileSync(join(dir, 'sync'), '#!/bin/sh\n');
    chmodSync(join(dir, 'sync'), 0o755);
    const script = `( set -eu\n${update.text}\n${install([{ name: 'chrony' }]).text}\n) </dev/null 2>&1`;
    const { status, stdout } = spawnSync('dash', ['-c', script], {
      encoding: 'utf8',
      env: { PATH: `${dir}:${process.env['PATH']}`, tmp: dir },
    });
    return { status, stdout };
  };

  it('is installed though another repository cannot be asked, and that is told', () => {
    expect(installed(updateWhatAnswers)).toEqual({
      status: 0,
      stdout: expect.stringMatching(
        /^E: The repository is not signed\.\nnot all repositories .*\ninstalled\n$/,
      ) as string,
    });
    expect(installed(updateIndexes)).toMatchObject({ status: 1 });
  });
});
