import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { read, runPiece } from '../../../test/steps/scene.ts';
import { limit } from './limit.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const about = { id: 'a/b', title: 'Raise a limit', why: 'A test needs it.' } as const;
const file = (): string => join(root, 'limits.conf');

/** The limit, on a kernel that says `now` and with files that say `boot`. */
function one(now: string, boot: string) {
  writeFileSync(join(root, 'now'), `${now}\n`);
  writeFileSync(
    join(root, 'sysctl'),
    `#!/bin/sh\nif [ "$1" = -n ]; then cat ${root}/now; else echo "\${3#*=}" >${root}/now; fi\n`,
  );
  chmodSync(join(root, 'sysctl'), 0o755);
  const step = limit(about, { key: 'vm.max_map_count', value: 1000 }, file());
  const run = {
    text: `printf '# /etc/other.conf\\n%s\\n' ${JSON.stringify(boot)}; if [ -e ${file()} ]; then echo '# ${file()}'; cat ${file()}; fi`,
  };
  return { ...step, probes: [{ ...step.probes?.[0], name: 'sysctl_files', run: { ...step.read, ...run } }] };
}

describe('a limit', () => {
  it.each([
    ['900', '', '900\nat boot: not set'],
    ['1000', 'vm.max_map_count = 1000', '1000\nat boot: 1000'],
    ['5000', 'vm.max_map_count=20000', '1000\nat boot: 1000'],
    ['5000', 'vm.max_map_count = 999', '1000\nat boot: 999, says /etc/other.conf'],
  ])('of %s now and %j at boot is read as %j', (now, boot, reading) => {
    expect(read(one(now, boot), root)).toBe(reading);
  });

  it('is raised, and what is higher is left: now as well as at boot', () => {
    const low = one('900', 'vm.max_map_count = 800');
    expect(runPiece(low, 'make', root).status).toBe(0);
    expect(read(low, root)).toBe(low.want);
    expect(readFileSync(file(), 'utf8')).toBe('vm.max_map_count = 1000\n');
    rmSync(file());
    const high = one('900', 'vm.max_map_count = 5000');
    expect(runPiece(high, 'make', root).status).toBe(0);
    expect(read(high, root)).toBe(high.want);
    expect(() => readFileSync(file())).toThrow();
    const higher = one('7000', '');
    expect(runPiece(higher, 'make', root).status).toBe(0);
    expect(readFileSync(join(root, 'now'), 'utf8')).toBe('7000\n');
  });
});
