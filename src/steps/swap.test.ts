import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshRoot } from '../../test/steps/root.ts';
import { HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';

const { path: root, bin, put } = freshRoot('#!/bin/sh\n');
const HEAD = 'Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n';
const refuse = scene({ ...HARBOUR, host: { ...HARBOUR.host, swap: 'refuse' } });

describe('swap at boot', () => {
  const one = () => inRoot(root(), step('swap/fstab'));
  const TEXT =
    'UUID=1 / ext4 defaults 0 1\n# swap was on /dev/sda5\n#UUID=2 none swap sw 0 0\n/swap.img\tnone\tswap\tsw\t0\t0\n/dev/sdb2 none swap noauto 0 0\nUUID=3 /data/swap ext4 defaults 0 2\n';

  it('is the lines that turn it on, and no others', () => {
    expect(read(one())).toBe('no swap');
    put('etc/fstab', TEXT);
    expect(read(one())).toBe('swap on /swap.img');
  });

  it('is set aside and given back to the letter', () => {
    const file = put('etc/fstab', TEXT, 0o640);
    for (let i = 0; i < 2; i++) expect(runPiece(one(), 'make', bin()).status).toBe(0);
    expect(read(one())).toBe('no swap');
    expect(readFileSync(file, 'utf8')).toContain('\n#landfall# /swap.img\tnone\tswap\tsw\t0\t0\n');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    for (let i = 0; i < 2; i++) expect(runPiece(one(), 'undo', bin()).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(TEXT);
  });
});

describe('swap now', () => {
  it('is named, and what it was on is noted and turned on again', () => {
    const one = inRoot(root(), step('swap/off'));
    put('proc/swaps', HEAD);
    expect(read(one)).toBe('off');
    put('proc/swaps', `${HEAD}/swap.img file 1048572 0 -2\n/dev/zram0 partition 99 0 100\n`);
    expect(read(one)).toBe('on: /swap.img\non: /dev/zram0');
    put('bin/swapoff', `#!/bin/sh\necho '${HEAD.trim()}' >${root()}/proc/swaps\n`, 0o755);
    put('bin/swapon', `#!/bin/sh\necho "$1" >>${root()}/on\n`, 0o755);
    expect(runPiece(one, 'make', bin()).status).toBe(0);
    expect(read(one)).toBe('off');
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'undo', bin()).status).toBe(0);
    expect(readFileSync(join(root(), 'on'), 'utf8')).toBe('/swap.img\n/dev/zram0\n');
  });

  it('must fit into memory before it is turned off', () => {
    const one = inRoot(root(), step('preflight/swap'));
    put('proc/meminfo', 'MemTotal: 4000000 kB\nMemAvailable: 1048576 kB\n');
    put('proc/swaps', '');
    expect(read(one)).toBe('enough');
    put('proc/swaps', `${HEAD}/swap.img file 4000000 400000 -2\n`);
    expect(read(one)).toBe('enough');
    put('proc/swaps', `${HEAD}/swap.img file 4000000 2097152 -2\n`);
    expect(read(one)).toBe('2048 MiB lies in swap, 1024 MiB of memory are free');
  });

  it('is refused where cluster.yaml says so, and what was turned off is given back', () => {
    const one = inRoot(root(), step('preflight/swap', refuse));
    put('proc/swaps', `${HEAD}/swap.img file 1048572 0 -2\n`);
    expect(read(one)).toBe('swap on /swap.img');
    const kept = inRoot(root(), step('swap/left', refuse));
    expect(read(kept)).toBe('as the host has it');
    put('etc/fstab', '#landfall# /swap.img none swap sw 0 0\n');
    expect(read(kept)).toBe('changed by Landfall');
    expect(runPiece(kept, 'make', bin()).status).toBe(0);
    expect(read(kept)).toBe('as the host has it');
  });
});

describe('units that make swap', () => {
  it('are those of systemd, of zram and of others, but not what /etc/fstab says', () => {
    put(
      'bin/systemctl',
      `#!/bin/sh
case "$*" in
  list-unit-files*) printf '%s\\n' 'dev-disk-by\\x2duuid-1.swap generated -' 'swap.img.swap generated -' 'dev-zram0.swap generated -' 'zramswap.service enabled enabled' ;;
  'show -p SourcePath --value swap.img.swap') echo /etc/fstab ;;
  show*) echo /run/systemd/generator ;;
esac
`,
      0o755,
    );
    expect(read(step('swap/units'), bin()).split('\n')).toEqual([
      String.raw`dev-disk-by\x2duuid-1.swap`,
      'dev-zram0.swap',
      'zramswap.service',
    ]);
  });
});
