import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { freshRoot } from '../../test/steps/root.ts';
import { HARBOUR, inRoot, read, runPiece, scene } from '../../test/steps/scene.ts';
import { recoverChecks } from './recover-checks.ts';
import { recoverEndSteps, recoverSteps } from './recover.ts';
import type { Step } from './step.ts';

const root = freshRoot(
  '#!/bin/sh\ncase $* in "show -p ActiveState kubelet") echo ActiveState=active ;; esac\n',
);
const SCENE = scene(HARBOUR);

/** A step of a recovery, in the root. */
function step(id: string, snapshot?: string, known = 0): Step {
  const recovering = { others: ['cp-1'], known, ...(snapshot === undefined ? {} : { snapshot }) };
  const found = [
    ...recoverChecks(snapshot),
    ...recoverSteps(SCENE, recovering),
    ...recoverEndSteps(SCENE, recovering),
  ].find((one) => one.id === `recover/${id}`);
  if (found === undefined) throw new Error(`there is no step ${id}`);
  return inRoot(root.path(), found);
}
const at = (path: string): string => join(root.path(), path);
const text = (path: string): string => readFileSync(at(path), 'utf8');
const look = (id: string, snapshot?: string): string => read(step(id, snapshot), root.bin());
const make = (id: string, snapshot?: string) => runPiece(step(id, snapshot), 'make', root.bin());

/** An etcdutl of this version, in a layer of its own, that makes a member out of whatever it is given. */
function etcdutl(version: string, layer: string): void {
  root.put(
    `var/lib/containers/storage/overlay/${layer}/diff/usr/local/bin/etcdutl`,
    `#!/bin/sh
case $1 in
  version) echo 'etcdutl version: ${version}'; echo 'API version: 3.6' ;;
  snapshot)
    echo "$*" >>${at('calls')}
    if [ "$2" = status ]; then
      # Revisions of data by what they are.
      case $(cat "$3") in 'the old data') echo '"Revision" : 5000' ;; *) echo '"Revision" : 3000' ;; esac
      exit 0
    fi
    for word; do case $word in */db|*.db) db=$word ;; esac; done
    while [ "$1" != --data-dir ]; do shift; done
    mkdir -p "$2/member/snap" && cp "$db" "$2/member/snap/db" ;;
esac
`,
    0o755,
  );
}

const MANIFEST = `spec:
  containers:
  - command:
    - etcd
    - --data-dir=/var/lib/etcd
    - --initial-cluster=cp-1=https://10.0.0.12:2380,cp-0=https://10.0.0.11:2380
    - --initial-cluster-state=existing
    - --name=cp-0
    image: registry.k8s.io/etcd:3.6.8-0
`;
const PARTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

beforeEach(() => {
  root.put('bin/crictl', `#!/bin/sh\ncat ${at('running')} 2>/dev/null\nexit 0\n`, 0o755);
  root.put('etc/kubernetes/manifests/etcd.yaml', MANIFEST);
  for (const part of PARTS.slice(1)) root.put(`etc/kubernetes/manifests/${part}.yaml`, `${part}\n`);
  root.put('etc/kubernetes/landfall/cluster', 'harbour\n');
  root.put('var/lib/etcd/member/snap/db', 'the old data');
  root.put('var/lib/etcd/member/wal/0.wal', 'the old log');
  etcdutl('3.5.21', 'a');
  etcdutl('3.6.8', 'b');
});

/** Everything up to a step, made. */
function madeUpTo(id: string): void {
  for (const one of ['begun', 'stopped', 'kept', 'data', 'manifests']) {
    if (one === id) return;
    expect([one, make(one).status]).toEqual([one, 0]);
  }
}
const kept = (): string => {
  const name = readdirSync(at('var/lib/etcd')).find((one) => /^kept-\d+T\d+Z$/.test(one));
  return name === undefined ? 'nothing' : text(`var/lib/etcd/${name}/member/snap/db`);
};

describe('what is looked at before anything is touched', () => {
  it('is the program of etcd’s own minor, wherever the runtime keeps it', () => {
    expect(look('tool')).toBe('at hand');
    rmSync(at('var/lib/containers/storage/overlay/b'), { recursive: true });
    expect(look('tool')).toBe('no etcdutl of 3.6');
    rmSync(at('etc/kubernetes/manifests/etcd.yaml'));
    expect(look('tool')).toBe('no manifest says which etcd runs here');
  });
  it('is a snapshot that has the sum of all that is before it', () => {
    const path = at('saved.db');
    const data = Buffer.alloc(4096, 7);
    const sum = createHash('sha256').update(data).digest();
    writeFileSync(path, Buffer.concat([data, sum]));
    expect(look('snapshot', path)).toBe('whole');
    writeFileSync(path, Buffer.concat([data.subarray(1), sum]));
    expect(look('snapshot', path)).toBe('not whole: its checksum differs');
    rmSync(path);
    expect(look('snapshot', path)).toContain('there is no ');
  });
  it('is room for the data a second time', () => {
    expect(look('room')).toBe('enough');
    root.put('bin/df', '#!/bin/sh\nprintf "Filesystem\\n/dev/x 1 1 %s 1 /\\n" 130000000\n', 0o755);
    expect(look('room')).toBe('too little room: 123 MiB free, 128 MiB needed');
  });
});

describe('a host that is stopped', () => {
  it('has its manifests aside, and nothing of the control plane runs', () => {
    expect(look('stopped')).toBe(PARTS.map((part) => `${part} has its manifest`).join('\n'));
    expect(make('begun').status).toBe(0);
    expect(make('stopped').status).toBe(0);
    expect(look('stopped')).toBe('stopped');
    expect(readdirSync(at('etc/kubernetes/manifests'))).toEqual([]);
    expect(text('var/lib/landfall/recovery/manifests/etcd.yaml')).toBe(MANIFEST);
    writeFileSync(at('running'), 'abc\n');
    expect(look('stopped')).toContain('etcd runs');
  });
  it('is none whose runtime does not answer', () => {
    root.put('bin/crictl', '#!/bin/sh\nexit 1\n', 0o755);
    expect(look('stopped')).toBe('the container runtime does not answer');
  });
});

describe('the old data', () => {
  it('are kept whole, whatever comes after', () => {
    madeUpTo('data');
    expect([look('kept'), kept(), existsSync(at('var/lib/etcd/member'))]).toEqual([
      'kept',
      'the old data',
      false,
    ]);
    expect(make('data').status).toBe(0);
    expect(look('data')).toBe('one member');
    expect(kept()).toBe('the old data');
    expect(text('calls')).toMatch(
      /^snapshot restore --skip-hash-check \S*\/kept-\d+T\d+Z\/member\/snap\/db --data-dir \S*\/fresh --name cp-0 --initial-cluster cp-0=https:\/\/10\.0\.0\.11:2380 --initial-advertise-peer-urls https:\/\/10\.0\.0\.11:2380 --initial-cluster-token landfall-\d+T\d+Z --bump-revision \d{13} --mark-compacted$/m,
    );
    expect(text('etc/kubernetes/landfall/recovered')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
  });
  it('are never taken for the new, wherever their move was cut short', () => {
    madeUpTo('kept');
    const stamp = text('var/lib/landfall/recovery/begun').trim();
    const part = at(`var/lib/etcd/kept-${stamp}.part`);
    mkdirSync(part);
    expect([look('kept'), look('data')]).toEqual(['not kept', 'no member yet']);
    cpSync(at('var/lib/etcd/member'), join(part, 'member'), { recursive: true });
    rmSync(at('var/lib/etcd/member'), { recursive: true });
    expect([look('kept'), look('data')]).toEqual(['not kept', 'no member yet']);
    expect(make('data').stdout).toContain('the old data are not kept yet');
    expect(make('kept').status).toBe(0);
    expect([look('kept'), look('data'), kept()]).toEqual(['kept', 'no member yet', 'the old data']);
  });
  it('are made into a member again when that was cut short', () => {
    madeUpTo('data');
    root.put('var/lib/etcd/fresh/member/snap/db', 'half of');
    expect(look('data')).toBe('no member yet');
    expect(make('data').status).toBe(0);
    expect(text('var/lib/etcd/member/snap/db')).toBe('the old data');
    expect(existsSync(at('var/lib/etcd/fresh'))).toBe(false);
  });
  it('are not asked for where there is a snapshot', () => {
    rmSync(at('var/lib/etcd/member'), { recursive: true });
    writeFileSync(at('saved.db'), 'what was saved');
    for (const one of ['begun', 'stopped', 'kept', 'data'])
      expect([one, make(one, at('saved.db')).status]).toEqual([one, 0]);
    expect(text('var/lib/etcd/member/snap/db')).toBe('what was saved');
    expect(text('calls')).not.toContain('--skip-hash-check');
  });
  it('come out above every revision that was seen, also out of older ones', () => {
    const raised = (snapshot?: string, known?: number): number => {
      rmSync(at('calls'), { force: true });
      expect(runPiece(step('data', snapshot, known), 'make', root.bin()).status).toBe(0);
      rmSync(at('var/lib/etcd/member'), { recursive: true });
      return Number(/--bump-revision (\d+)/.exec(text('calls'))?.[1]);
    };
    madeUpTo('data');
    writeFileSync(at('saved.db'), 'what was saved');
    const now = (): number => Math.floor(Date.now() / 1000) * 1000;
    for (const [snapshot, known, more] of [
      [undefined, 0, 0],
      [undefined, 7000, 2000],
      [at('saved.db'), 0, 2000],
      [at('saved.db'), 7000, 4000],
    ] as const) {
      const from = now() + more;
      const by = raised(snapshot, known);
      expect([by >= from, by <= now() + more]).toEqual([true, true]);
    }
  });
});

describe('etcd’s file', () => {
  it('names this member alone, and all parts are back', () => {
    madeUpTo('manifests');
    expect(look('manifests')).toContain('kube-scheduler is aside');
    expect(make('manifests').status).toBe(0);
    expect(look('manifests')).toBe(step('manifests').want);
    expect(step('manifests').want).toBe(
      '--initial-cluster=cp-0=https://10.0.0.11:2380\n--initial-cluster-state=existing\nActiveState=active',
    );
    expect(text('etc/kubernetes/manifests/etcd.yaml')).toBe(
      MANIFEST.replace('cp-1=https://10.0.0.12:2380,', ''),
    );
    expect(readdirSync(at('etc/kubernetes/manifests')).toSorted()).toEqual(
      PARTS.map((part) => `${part}.yaml`),
    );
  });
});

describe('the end', () => {
  it('forgets the note, and keeps the data', () => {
    madeUpTo('');
    expect([look('closed'), make('closed').status, look('closed')]).toEqual(['under way', 0, 'none']);
    expect(kept()).toBe('the old data');
  });
});
