import { existsSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { freshRoot } from '../../test/steps/root.ts';
import { HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import { sameData } from './identity.ts';

const UID = '5a0f3c1e-0b1d-4f5e-9d53-7c2f6a1f0e11';
const OTHER = '6a0f3c1e-0b1d-4f5e-9d53-7c2f6a1f0e11';
const NOTE = 'etc/kubernetes/landfall/kube-system-uid';

const root = freshRoot('#!/bin/sh\nexit 0\n');

/** An API server whose kube-system has this UID; one that does not answer without. */
function answers(uid?: string): void {
  root.put('bin/timeout', '#!/bin/sh\nshift\nexec "$@"\n', 0o755);
  root.put(
    'bin/kubectl',
    uid === undefined
      ? '#!/bin/sh\nexit 1\n'
      : `#!/bin/sh\ncase $* in *readyz) echo ok ;; *namespaces*) printf 'namespace|%s\\n' 'default||1' 'kube-system||${uid}' ;; *'get namespace kube-system'*) printf %s ${uid} ;; esac\n`,
    0o755,
  );
}
const look = (id: string): string => read(inRoot(root.path(), step(id)), root.bin());
const make = (id: string) => runPiece(inRoot(root.path(), step(id)), 'make', root.bin());

beforeEach(() => answers(UID));

describe('which cluster’s data etcd has', () => {
  it('is noted on the host', () => {
    expect(look('etcd/identity')).toBe('not noted');
    expect(make('etcd/identity').status).toBe(0);
    expect(look('etcd/identity')).toBe('noted');
    expect(readFileSync(`${root.path()}/${NOTE}`, 'utf8')).toBe(`${UID}\n`);
  });
  it('is right before anything is noted, and while nobody answers', () => {
    const { want } = step('preflight/same-data');
    expect(look('preflight/same-data')).toBe(want);
    root.put(NOTE, `${UID}\n`);
    expect(look('preflight/same-data')).toBe(want);
    answers();
    expect(look('preflight/same-data')).toBe(want);
    expect(look('etcd/identity')).toBe('the API server does not answer');
  });
  it('is told from an etcd that has begun anew, in which nothing is made', () => {
    root.put(NOTE, `${UID}\n`);
    root.put('etc/kubernetes/landfall/cluster', 'harbour\n');
    answers(OTHER);
    expect(look('preflight/same-data')).toBe(
      `etcd has begun anew, empty: kube-system is ${OTHER}, and was ${UID}`,
    );
    for (const id of ['etcd/identity', 'control-plane/init']) {
      const made = make(id);
      expect([id, made.status]).toEqual([id, 1]);
      expect(made.stdout).toContain('etcd has begun anew, empty: nothing is made in it');
    }
    expect(readFileSync(`${root.path()}/${NOTE}`, 'utf8')).toBe(`${UID}\n`);
    // There admin.conf has no rights: they were an object.
    root.put(
      'bin/kubectl',
      `#!/bin/sh\ncase $* in *readyz) echo ok ;; *controller-manager.conf*'get namespace kube-system'*) printf %s ${OTHER} ;; *) exit 1 ;; esac\n`,
      0o755,
    );
    expect(look('preflight/same-data')).toContain('etcd has begun anew');
    expect(existsSync(`${root.path()}/etc/kubernetes/landfall/initialised`)).toBe(false);
  });
  it('is none where a control plane that is up has no log of it', () => {
    root.put('etc/kubernetes/landfall/initialised', 'x\n');
    root.put('etc/kubernetes/manifests/etcd.yaml', 'x\n');
    expect(look('preflight/same-data')).toBe('the data of etcd are not there');
    root.put('var/lib/etcd/member/wal/0-0.wal', 'x');
    expect(look('preflight/same-data')).toBe(step('preflight/same-data').want);
  });
  it('is nobody’s to say but the first control plane’s', () => {
    const worker = { name: 'worker-0', role: 'worker', address: '10.0.0.12', workloads: true } as const;
    const at = scene({ ...HARBOUR, nodes: [...HARBOUR.nodes, worker] });
    expect(sameData({ ...at, node: worker })).toEqual([]);
    const second = { ...worker, name: 'cp-1', role: 'control-plane' } as const;
    expect(sameData({ ...at, node: second })[0]?.probes).toEqual([]);
  });
});
