import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, read, scene, standIn, step } from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import { etcdDiskSteps } from './etcd-disk.ts';
import { clueOf } from '../run/failure.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  mkdirSync(join(root, 'var/lib'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const one = (at = scene()) => inRoot(root, step('preflight/etcd-disk', at));
const QUIET = one().want;
const slowNode: Cluster = { ...HARBOUR, nodes: HARBOUR.nodes.map((n) => ({ ...n, slowDisk: true })) };
const lab = scene(HARBOUR, { lab: ['disk: shared'] });

describe('before there is an etcd', () => {
  it('is measured on the disk it would be on, and nothing is left there', () => {
    expect(read(one(lab))).toBe(QUIET);
    expect(readdirSync(join(root, 'var/lib'))).toEqual([]);
    mkdirSync(join(root, 'var/lib/etcd'));
    expect(read(one(lab))).toBe(QUIET);
    expect(readdirSync(join(root, 'var/lib/etcd'))).toEqual([]);
  });

  it('shows the figures of a disk that is slower than it may be', () => {
    // No disk writes in no time.
    const strict = {
      ...one(),
      read: { ...one().read, text: one().read.text.replace('"$clock" 10 ', '"$clock" 0 ') },
    };
    const said = read(strict);
    expect(said).toMatch(
      /^1 in 100 writes takes \d+ ms or longer, half of them \d+\.\d ms; etcd asks for 10 ms$/,
    );
    const clue = clueOf({
      host: 'cp-0',
      step: strict,
      state: 'wrong',
      reading: said,
      note: '',
      output: [],
      run: '',
    });
    expect([clue?.diagnosis, clue?.try]).toEqual(['H76', expect.stringContaining('slowDisk: true')]);
  });

  it('is measured twice before it is called slow', () => {
    const perl = (fast: number) =>
      standIn(
        root,
        'perl',
        `echo x >>${root}/calls; [ $(wc -l <${root}/calls) -ge ${fast} ] && echo '${QUIET}' || echo slow`,
      );
    expect(read(one(), perl(2))).toBe(QUIET);
    rmSync(join(root, 'calls'));
    expect(read(one(), perl(9))).toBe('slow');
    expect(readFileSync(join(root, 'calls'), 'utf8')).toBe('x\nx\n');
  });

  it('bears what cluster.yaml or a lab concedes, and says so', () => {
    const limit = (at = scene()) => /"\$clock" (\d+) /.exec(one(at).read.text)?.[1];
    expect([limit(), limit(scene(slowNode)), limit(lab)]).toEqual(['10', '100', '4096']);
    expect(one().title).not.toContain('(');
    expect(one(scene(slowNode)).title).toContain('slowDisk in cluster.yaml: up to 100 ms');
    expect(one(lab).title).toContain('judged mildly');
  });

  it('is not asked of workers', () => {
    const worker: Cluster = { ...HARBOUR, nodes: HARBOUR.nodes.map((n) => ({ ...n, role: 'worker' })) };
    expect(etcdDiskSteps(scene(worker))).toEqual([]);
  });
});

describe('a living etcd', () => {
  beforeEach(() => mkdirSync(join(root, 'var/lib/etcd/member'), { recursive: true }));

  /** What etcd tells when so many of its writes were within each of these bounds. */
  function told(all: number, within: Readonly<Record<string, number>>): string {
    const name = 'etcd_disk_wal_fsync_duration_seconds';
    const lines = Object.entries(within).map(([le, n]) => `${name}_bucket{le="${le}"} ${n}`);
    return standIn(
      root,
      'bash',
      `cat <<'END'\n${[...lines, `${name}_sum 9.1e-02`, `${name}_count ${all}`].join('\n')}\nEND`,
    );
  }

  it('is asked and not disturbed: nothing is written', () => {
    const perl = standIn(root, 'perl', `echo x >${root}/calls`);
    told(2778, { '0.256': 2751, '0.512': 2772, '1.024': 2777 });
    expect(read(one(), perl)).toBe(QUIET);
    expect(existsSync(join(root, 'calls'))).toBe(false);
  });

  it('tells of a disk that keeps it waiting', () => {
    expect(read(one(), told(5000, { '0.256': 4000, '0.512': 4900, '1.024': 5000 }))).toBe(
      "1 in 100 of etcd's writes took longer than 0.512 s",
    );
    // A lab's disk is shared by all its hosts.
    expect(read(one(lab), told(5000, { '0.512': 4900, '4.096': 5000 }))).toBe(QUIET);
  });

  it('has not written enough to be judged, or does not answer', () => {
    expect(read(one(), told(60, { '0.512': 40 }))).toBe(QUIET);
    expect(read(one(), standIn(root, 'bash', 'exit 1'))).toBe(QUIET);
  });
});
