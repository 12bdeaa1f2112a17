import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, scene, step } from '../../test/steps/scene.ts';
import { ETCD_DEFAULTS } from '../config/etcd-defaults.ts';
import type { EtcdSettings } from '../model/etcd.ts';
import { upkeepScript } from './etcd-upkeep-text.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-etcd-'));
  for (const dir of ['bin', 'etcd', 'backups']) mkdirSync(join(root, dir));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A crictl that is etcd's container: it says what it is asked, and writes down what it was asked. */
function crictl(answers: string): void {
  const path = join(root, 'bin', 'crictl');
  writeFileSync(
    path,
    `#!/bin/bash
case $1 in ps) echo 0123abcd; exit ;; stop) exit ;; esac
shift 3
words=; for word; do case $word in --*) ;; *) words="$words $word" ;; esac; done
echo "$words" | sed 's/^ //; s/ -w fields$//' >>${root}/asked
case $words in
  *'snapshot save'*) file=\${*: -1}; printf 'all that there is' >"$file"; printf 'all that there is' | sha256sum | cut -c 1-64 | perl -ne 'chomp; print pack "H*", $_' >>"$file" ;;
${answers}
esac
`,
  );
  chmodSync(path, 0o755);
}

const STATUS = (size: number, used: number, leader: number): string =>
  `*'endpoint status'*) printf '"MemberID" : 7\\n"Leader" : ${leader}\\n"DBSize" : ${size}\\n"DBSizeInUse" : ${used}\\n' ;;`;
const MEMBERS = `*'member list'*) printf '7, started, cp-0, p, c, false\\n8, started, cp-1, p, c, true\\n9, started, cp-2, p, c, false\\n' ;;`;

function run(settings: Partial<EtcdSettings> = {}) {
  const text = upkeepScript('cp-0', { ...ETCD_DEFAULTS, ...settings })
    .replaceAll('/var/lib/etcd/', `${root}/etcd/`)
    .replaceAll('/var/backups/landfall/etcd', `${root}/backups`);
  const env = { PATH: `${root}/bin:${process.env['PATH']}` };
  const { status, stdout, stderr } = spawnSync('sh', ['-c', text], { encoding: 'utf8', env });
  return { status, said: stdout + stderr };
}

const asked = (): readonly string[] => readFileSync(join(root, 'asked'), 'utf8').trim().split('\n');
const kept = (): readonly string[] => readdirSync(join(root, 'backups')).sort();

describe('the program that looks after etcd', () => {
  it('keeps a snapshot whose sum is right, and nothing beside it', () => {
    crictl(STATUS(1000, 900, 7));
    expect(run()).toMatchObject({ status: 0, said: expect.stringContaining('sum right') });
    expect(kept()).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\dT\d{6}Z\.db$/)]);
    expect(readdirSync(join(root, 'etcd'))).toEqual([]);
  });

  it('keeps none whose sum is wrong', () => {
    crictl(`x) ;; esac; case $words in *'snapshot save'*) printf x >>"$file" ;;`);
    expect(run()).toMatchObject({ status: 1, said: expect.stringContaining('not what etcd has sent') });
    expect(kept()).toEqual([]);
  });

  it('keeps the newest, and the last one of each day before them', () => {
    crictl(STATUS(1000, 900, 7));
    const hours = [
      '2020-01-01T010000Z',
      '2020-01-01T230000Z',
      '2020-01-02T230000Z',
      '2020-01-03T010000Z',
      '2020-01-03T220000Z',
    ];
    for (const name of hours) writeFileSync(join(root, 'backups', `${name}.db`), '');
    expect(run({ snapshots: { every: 'hourly', keep: 2, days: 1 } }).status).toBe(0);
    expect(kept().slice(0, -1)).toEqual(['2020-01-02T230000Z.db', '2020-01-03T220000Z.db']);
  });

  it('leaves a database alone that is mostly in use', () => {
    crictl(STATUS(900_000_000, 500_000_000, 9));
    expect(run().status).toBe(0);
    expect(asked()).not.toContain('defrag');
  });

  it('writes one anew that is mostly holes, once all others are well', () => {
    crictl([STATUS(900_000_000, 300_000_000, 9), MEMBERS].join('\n'));
    expect(run().status).toBe(0);
    expect(asked().slice(-4)).toEqual(['endpoint health', 'member list', 'defrag', 'endpoint status']);
  });

  it('hands over first when it leads, to one that votes', () => {
    crictl([STATUS(900_000_000, 300_000_000, 7), MEMBERS].join('\n'));
    expect(run({ snapshots: { every: 'never', keep: 1, days: 0 } }).status).toBe(0);
    expect(asked()).toEqual([
      'endpoint status',
      'endpoint health',
      'member list',
      'move-leader 9',
      'defrag',
      'endpoint status',
    ]);
  });

  it('leaves it alone while another member is away', () => {
    crictl([STATUS(900_000_000, 300_000_000, 9), `*'endpoint health'*) exit 1 ;;`].join('\n'));
    expect(run().status).toBe(1);
    expect(asked()).not.toContain('defrag');
  });
});

describe('etcd’s manifest', () => {
  const MANIFEST = `spec:
  containers:
  - command:
    - etcd
    - --advertise-client-urls=https://10.0.0.11:2379
    - --quota-backend-bytes=1
    - --initial-cluster=cp-0=https://10.0.0.11:2380
    image: registry.k8s.io/etcd:3.6.4-0
`;
  const change = (text: string): string => {
    const path = join(root, 'etcd.yaml');
    writeFileSync(path, text);
    const made = step('etcd/settings').make?.text ?? '';
    const script = made.replaceAll(/\/etc\/kubernetes\/manifests/g, root);
    const env = { PATH: `${root}/bin:${process.env['PATH']}` };
    crictl('');
    execFileSync('bash', ['-ec', script], { env });
    return readFileSync(path, 'utf8');
  };

  it('gets the settings in place of others, and keeps all else', () => {
    const changed = change(MANIFEST);
    expect(changed.split('\n').filter((line) => !MANIFEST.includes(line))).toEqual([
      '    - --election-timeout=1000',
      '    - --heartbeat-interval=100',
      '    - --quota-backend-bytes=8589934592',
    ]);
    expect(changed).not.toContain('--quota-backend-bytes=1\n');
    expect(changed).toContain('--initial-cluster=cp-0');
    expect(asked()).toEqual(['endpoint health']);
    expect(change(changed)).toBe(changed);
    expect(asked()).toEqual(['endpoint health']);
  });
});

describe('the newest snapshot', () => {
  it('is recent for two hours', () => {
    const read = step('etcd/snapshot').read.text.replaceAll(
      '/var/backups/landfall/etcd',
      join(root, 'backups'),
    );
    const look = (): string => execFileSync('bash', ['-c', read], { encoding: 'utf8' }).trim();
    expect(look()).toBe('the last one: none');
    const path = join(root, 'backups', '2020-01-03T220000Z.db');
    writeFileSync(path, '');
    expect(look()).toBe('recent');
    utimesSync(path, Date.now() / 1000 - 8000, Date.now() / 1000 - 8000);
    expect(look()).toBe(`the last one: ${path}`);
  });

  it('is not asked for where none is wished', () => {
    const { snapshots } = ETCD_DEFAULTS;
    const cluster = {
      ...HARBOUR,
      etcd: { ...ETCD_DEFAULTS, snapshots: { ...snapshots, every: 'never' as const } },
    };
    expect(() => step('etcd/snapshot', scene(cluster))).toThrow();
    expect(step('etcd/upkeep', scene(cluster)).want).not.toContain('snapshot save');
  });
});
