import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inRoot, read, runPiece, step } from '../../test/steps/scene.ts';
import type { Step } from './step.ts';

const PEM = '-----BEGIN X-----\nAAAA\n-----END X-----\n';
const PAIRS = [
  'ca',
  'apiserver',
  'apiserver-kubelet-client',
  'front-proxy-ca',
  'front-proxy-client',
  'etcd/ca',
  'etcd/server',
  'etcd/peer',
  'etcd/healthcheck-client',
  'apiserver-etcd-client',
];
const CERTIFICATES = [...PAIRS.flatMap((p) => [`pki/${p}.key`, `pki/${p}.crt`]), 'pki/sa.key', 'pki/sa.pub'];
const CONFIGS = [
  'admin.conf',
  'super-admin.conf',
  'kubelet.conf',
  'controller-manager.conf',
  'scheduler.conf',
];
const MANIFESTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
  (n) => `manifests/${n}.yaml`,
);
const OBJECTS =
  'ConfigMap/kubeadm-config ConfigMap/kubelet-config ConfigMap/coredns ConfigMap/kube-proxy ClusterRoleBinding/kubeadm:cluster-admins Deployment/coredns Service/kube-dns DaemonSet/kube-proxy'.split(
    ' ',
  );

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const kubernetes = (names: readonly string[], text = PEM): void =>
  names.forEach((name) =>
    put(`etc/kubernetes/${name}`, name.endsWith('.conf') ? `client-key-data: x\n` : text),
  );
const mine = (): void => put('etc/kubernetes/landfall/cluster', 'harbour\n');
const kubelet = (): void => {
  put('var/lib/kubelet/config.yaml', 'x\n');
  put('var/lib/kubelet/kubeadm-flags.env', 'x\n');
};

/** A kubectl that answers with these objects, or does not answer. */
function apiServer(objects: readonly string[] | undefined): string {
  put('bin/timeout', '#!/bin/sh\nshift\nexec "$@"\n');
  put(
    'bin/kubectl',
    objects === undefined
      ? '#!/bin/sh\necho "The connection was refused" >&2\nexit 1\n'
      : `#!/bin/sh\ncase $* in *readyz) echo ok ;; *) printf '%s\\n' ${objects.map((o) => `'${o}'`).join(' ')} ;; esac\n`,
  );
  for (const name of ['timeout', 'kubectl']) chmod(join(root, 'bin', name));
  return join(root, 'bin');
}
function chmod(path: string): void {
  runPiece(
    { ...step('prepare/dpkg'), read: { ...step('prepare/dpkg').read, text: `chmod +x '${path}'` } },
    'read',
  );
}
const init = (): Step => inRoot(root, step('control-plane/init'));
const torn = (): Step => inRoot(root, step('control-plane/no-torn-files'));
const state = (objects?: readonly string[]): string => read(init(), apiServer(objects));

describe('how far kubeadm init has come', () => {
  it('is told from nothing to all', () => {
    expect(state()).toBe('no cluster');
    mine();
    expect(state()).toBe('no cluster');
    kubernetes(CERTIFICATES.slice(0, 5));
    expect(state()).toBe('half-done, open: certificates kubeconfigs manifests kubelet');
    kubernetes(CERTIFICATES);
    expect(state()).toBe('half-done, open: kubeconfigs manifests kubelet');
    kubernetes(CONFIGS);
    expect(state()).toBe('half-done, open: manifests kubelet');
    kubernetes(MANIFESTS.slice(0, 1));
    expect(state()).toBe('half-done, open: manifests kubelet');
    kubernetes(MANIFESTS);
    expect(state()).toBe('half-done, open: kubelet');
    kubelet();
    expect(state()).toBe('half-done, open: what only the API server knows');
    expect(state([...OBJECTS.slice(0, 2), 'answered'])).toBe(
      `half-done, open: ${OBJECTS.slice(2).join(' ')}`,
    );
    expect(state([...OBJECTS, 'answered'])).toBe('initialised');
  });

  it('is initialised though the API server is away, when it was before', () => {
    mine();
    kubernetes([...CERTIFICATES, ...CONFIGS, ...MANIFESTS]);
    kubelet();
    put('etc/kubernetes/landfall/initialised', 'x\n');
    expect(state()).toBe('initialised');
    rmSync(join(root, 'etc/kubernetes/super-admin.conf'));
    expect(state()).toBe('initialised');
    rmSync(join(root, 'etc/kubernetes/manifests/etcd.yaml'));
    expect(state()).toBe('half-done, open: manifests');
  });

  it('is neither where an API server that is ready speaks of another cluster', () => {
    mine();
    kubernetes([...CERTIFICATES, ...CONFIGS, ...MANIFESTS]);
    kubelet();
    put('etc/kubernetes/landfall/initialised', 'x\n');
    put('etc/kubernetes/landfall/kube-system-uid', 'one\n');
    const bin = apiServer(undefined);
    const answers = (uid: string): void =>
      put(
        'bin/kubectl',
        `#!/bin/sh\ncase $* in *readyz) echo ok ;; *controller*) printf ${uid} ;; *) exit 1 ;; esac\n`,
      );
    answers('one');
    expect(read(init(), bin)).toBe('initialised');
    answers('another');
    expect(read(init(), bin)).toBe('etcd has begun anew, empty');
    const { status, stdout } = runPiece(init(), 'make', bin);
    expect([status, stdout]).toEqual([1, 'etcd has begun anew, empty: nothing is made in it\n']);
  });

  it('is nobody’s business when Landfall did not begin it', () => {
    kubernetes(CERTIFICATES.slice(0, 2));
    expect(state()).toBe('not ours: Landfall did not begin this');
    put('etc/kubernetes/landfall/cluster', 'other\n');
    expect(state()).toBe('not ours: Landfall did not begin this');
    const { status, stdout } = runPiece(init(), 'make', apiServer(undefined));
    expect(status).not.toBe(0);
    expect(stdout).toContain('is not marked as one of the cluster');
  });

  it('lets kubeadm meet only what an earlier try has left', () => {
    mine();
    const bin = apiServer([...OBJECTS, 'answered']);
    put('bin/kubeadm', '#!/bin/sh\necho "$@"\n');
    chmod(join(root, 'bin/kubeadm'));
    const first = runPiece(init(), 'make', bin);
    expect([first.status, first.stdout]).toEqual([
      0,
      expect.stringMatching(/^init --config \S+ --skip-token-print \S+ \S+\n$/),
    ]);
    kubernetes(MANIFESTS.slice(0, 1));
    expect(runPiece(init(), 'make', bin).stdout).toContain(
      '--ignore-preflight-errors=Port-6443,Port-10250,Port-10257,Port-10259,Port-2379,Port-2380,DirAvailable--var-lib-etcd,FileAvailable--etc-kubernetes-manifests-etcd.yaml,',
    );
    expect(existsSync(join(root, 'etc/kubernetes/landfall/initialised'))).toBe(true);
  });
});

describe('files a cut-short init left torn', () => {
  const left = (folder: string): readonly string[] =>
    readdirSync(join(root, 'etc/kubernetes', folder))
      .filter((n) => n.includes('.'))
      .sort();

  it('are none when there is nothing, and none when all is whole', () => {
    expect(read(torn())).toBe('none');
    kubernetes([...CERTIFICATES, ...CONFIGS]);
    expect(read(torn())).toBe('none');
  });

  it.each([
    ['a key alone', ['pki/ca.key'], [], ['ca']],
    [
      'an empty certificate',
      ['pki/ca.key', 'pki/ca.crt', 'pki/apiserver.key'],
      ['pki/apiserver.crt'],
      ['apiserver'],
    ],
    ['an empty key', [], ['pki/etcd/peer.key'], ['etcd/peer']],
    ['a public key that is missing', ['pki/sa.key'], [], ['sa']],
    ['an empty kubeconfig', [], ['kubelet.conf'], ['kubelet.conf']],
  ])('%s', (_what, whole, empty, found) => {
    kubernetes(whole);
    for (const name of empty) put(`etc/kubernetes/${name}`, '');
    expect(read(torn()).split('\n')).toEqual(found);
    mkdirSync(join(root, 'etc/kubernetes/pki'), { recursive: true });
    for (let i = 0; i < 2; i++) {
      const { status, stdout, stderr } = runPiece(torn(), 'make');
      expect([status, stdout, stderr]).toEqual([0, '', '']);
    }
    expect(read(torn())).toBe('none');
    for (const name of found) expect(existsSync(join(root, 'etc/kubernetes/pki', `${name}.key`))).toBe(false);
  });

  it('go with what they have signed, and nothing else goes', () => {
    kubernetes([...CERTIFICATES, ...CONFIGS]);
    put('etc/kubernetes/pki/ca.crt', '');
    expect(runPiece(torn(), 'make').status).toBe(0);
    expect(left('pki')).toEqual([
      'apiserver-etcd-client.crt',
      'apiserver-etcd-client.key',
      'front-proxy-ca.crt',
      'front-proxy-ca.key',
      'front-proxy-client.crt',
      'front-proxy-client.key',
      'sa.key',
      'sa.pub',
    ]);
    expect(left('.')).toEqual([]);
    expect(left('pki/etcd')).toHaveLength(8);
  });

  it('leaves a certificate without its key alone: that is an authority of the user’s own', () => {
    kubernetes(['pki/ca.crt']);
    expect(read(torn())).toBe('none');
    runPiece(torn(), 'make');
    expect(left('pki')).toEqual(['ca.crt']);
  });

  it('never takes an authority away once the cluster has data', () => {
    kubernetes([...CERTIFICATES, ...CONFIGS]);
    put('etc/kubernetes/pki/ca.crt', '');
    mkdirSync(join(root, 'var/lib/etcd/member'), { recursive: true });
    const { status, stdout } = runPiece(torn(), 'make');
    expect(status).not.toBe(0);
    expect(stdout).toContain('the authority ca is damaged, and the cluster has data');
    expect(left('pki')).toContain('ca.key');
  });
});
