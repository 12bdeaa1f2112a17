import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  put('bin/systemctl', '#!/bin/sh\ncase "$*" in show*Timestamp*) echo "2026-11-25 00:00:00 UTC" ;; esac\n');
  // As systemd prints them: each file's name and text, in the order in which it reads them.
  put(
    'bin/systemd-analyze',
    `#!/bin/sh\nfor x in $(ls -r ${root}/etc/systemd/journald.conf ${root}/etc/systemd/journald.conf.d/*.conf 2>/dev/null | tac); do echo "# $x"; cat "$x"; done\n`,
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  if (path.startsWith('bin/')) chmodSync(file, 0o755);
}

const at = (journal: typeof HARBOUR.host.journal) =>
  inRoot(root, step('journal/limits', scene({ ...HARBOUR, host: { ...HARBOUR.host, journal } })));
/** The limits as they are read; whether journald has read them is left out. */
const limits = (one: ReturnType<typeof at>): string[] =>
  read(one, join(root, 'bin'))
    .split('\n')
    .filter((line) => line.includes('='));

describe('the limits of the journal', () => {
  it('are the last word of all files', () => {
    const one = at({ maxUse: '1G' });
    put('etc/systemd/journald.conf', '[Journal]\n#SystemMaxUse=\n');
    expect(limits(one)).toEqual(['SystemMaxUse= not set']);
    put('etc/systemd/journald.conf', '[Journal]\nSystemMaxUse=4G\n');
    expect(limits(one)).toEqual([`SystemMaxUse=4G, says ${root}/etc/systemd/journald.conf`]);
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'make', join(root, 'bin')).status).toBe(0);
    expect(limits(one)).toEqual(['SystemMaxUse=1G']);
    put('etc/systemd/journald.conf.d/99-zzz-mine.conf', '[Journal]\nSystemMaxUse=9G\n');
    expect(limits(one)).toEqual([
      `SystemMaxUse=9G, says ${root}/etc/systemd/journald.conf.d/99-zzz-mine.conf`,
    ]);
  });

  it('may have an age, and are taken back', () => {
    const one = at({ maxUse: '200M', maxDays: 30 });
    expect(runPiece(one, 'make', join(root, 'bin')).status).toBe(0);
    expect(limits(one)).toEqual(['SystemMaxUse=200M', 'MaxRetentionSec=30day']);
    expect(one.want).toContain(limits(one).join('\n'));
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'undo', join(root, 'bin')).status).toBe(0);
    expect(limits(one)).toEqual(['SystemMaxUse= not set', 'MaxRetentionSec= not set']);
  });
});
