import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { HARBOUR, inRoot, put, read, runPiece, scene, standIn, step } from '../../test/steps/scene.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import { clusterInfo, endpointKept, proxyServer } from './endpoint-kept.ts';
import { endpointLeads, joinedNames, namedInPods, noFormerName } from './endpoint-names.ts';
import { endpointServers, isMoving, serversOf } from './endpoint-servers.ts';
import { PHASES } from './phases.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

let root = '';
let path = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  standIn(root, 'timeout', 'shift; exec "$@"');
  for (const program of ['systemctl', 'curl', 'sleep'])
    standIn(root, program, `echo ${program} "$@" >>${root}/done`);
  standIn(root, 'crictl', `case $1 in ps) echo "\${4#^}" ;; *) echo crictl "$@" >>${root}/done ;; esac`);
  path = kubectl('ok');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** An API server that says this of itself, and prints the rest as it lies in files. */
function kubectl(ready: string): string {
  return standIn(
    root,
    'kubectl',
    `case "$*" in *readyz*) echo "$*" >>${root}/asked; printf ${ready} ;; *) cat ${root}/said ;; esac`,
  );
}
const done = (): string =>
  existsSync(join(root, 'done')) ? readFileSync(join(root, 'done'), 'utf8').replaceAll(/ -fs .*/g, '') : '';
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const conf = (name: string, server: string): void =>
  put(root, `etc/kubernetes/${name}`, `clusters:\n- cluster:\n    server: ${server}\n  name: x\n`, 0o600);

const WORKER: Node = { name: 'worker-0', role: 'worker', address: '10.0.0.21', workloads: true };
const PAIR: Cluster = { ...HARBOUR, nodes: [...HARBOUR.nodes, WORKER] };
const OTHERS: Cluster = { ...PAIR, endpoint: { host: 'api.example.com', port: 7443, kept: false } };
const worker = (cluster: Cluster = PAIR): Scene => ({ ...scene(cluster), node: WORKER });
const NEW = 'https://api.harbour.internal:6443';
const OLD = 'https://10.0.0.11:6443';
const of = (at: Scene, id: string): Step => {
  const found = endpointServers(at).find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return inRoot(root, found);
};

describe('what kubeconfigs name', () => {
  it('is the endpoint on a worker and for an administrator, and the own API server otherwise', () => {
    expect(serversOf(worker(OTHERS))).toEqual({ 'kubelet.conf': 'https://api.example.com:7443' });
    expect(serversOf(scene(OTHERS))).toEqual({
      'admin.conf': 'https://api.example.com:7443',
      'super-admin.conf': 'https://api.example.com:7443',
      'kubelet.conf': OLD,
      'controller-manager.conf': OLD,
      'scheduler.conf': OLD,
    });
  });

  it('is right where there is none yet: who joins gets a right one', () => {
    for (const at of [scene(), worker()])
      for (const one of endpointServers(at)) expect(read(inRoot(root, one), path)).toBe(one.want);
    expect(existsSync(join(root, 'asked'))).toBe(false);
  });

  it('is asked of nobody else while it is right', () => {
    conf('kubelet.conf', NEW);
    for (const one of endpointServers(worker())) expect(read(inRoot(root, one), path)).toBe(one.want);
    expect(existsSync(join(root, 'asked'))).toBe(false);
  });

  it('is changed in the server alone, and read by kubelet before the next node has its turn', () => {
    conf('kubelet.conf', OLD);
    const one = of(worker(), 'endpoint/kubelet');
    expect(read(one, path)).toBe(OLD);
    expect(runPiece(one, 'make', path)).toMatchObject({ status: 0, stderr: '' });
    expect(text('etc/kubernetes/kubelet.conf')).toBe(
      `clusters:\n- cluster:\n    server: ${NEW}\n  name: x\n`,
    );
    expect(done()).toBe('systemctl restart kubelet\ncurl\n');
    expect(text('asked')).toContain(`--server=${NEW}`);
    expect(read(one, path)).toBe(one.want);
  });

  it('is left as it is while the new one does not answer from here', () => {
    kubectl('no');
    conf('kubelet.conf', OLD);
    conf('admin.conf', OLD);
    for (const one of [of(worker(), 'endpoint/kubelet'), of(scene(), 'endpoint/kubeconfigs')]) {
      const made = runPiece(one, 'make', path);
      expect([made.status, made.stdout]).toEqual([
        1,
        `${NEW} does not answer from here, so nothing is changed\n`,
      ]);
    }
    expect(text('etc/kubernetes/kubelet.conf')).toContain(OLD);
    expect(text('etc/kubernetes/admin.conf')).toContain(OLD);
    expect(done()).toBe('');
    expect(read(of(worker(), 'endpoint/answers'), path)).toBe('no');
  });

  it('is not right as long as kubelet has yet to read it: cut short there, it is started anew', () => {
    conf('kubelet.conf', NEW);
    put(root, 'run/landfall/unread/kubelet', '');
    const one = of(worker(), 'endpoint/kubelet');
    expect(read(one, path)).toBe(`${NEW}\nkubelet has not read it`);
    expect(runPiece(one, 'make', path).status).toBe(0);
    expect(done()).toContain('systemctl restart kubelet');
    expect(read(one, path)).toBe(one.want);
  });

  it('is changed one by one on a control plane, and who reads it only at its start is started anew', () => {
    conf('admin.conf', OLD);
    conf('scheduler.conf', NEW);
    conf('controller-manager.conf', OLD);
    const one = of(scene(), 'endpoint/kubeconfigs');
    expect(read(one, path)).toBe(`admin.conf names ${OLD}\nscheduler.conf names ${NEW}`);
    expect(runPiece(one, 'make', path)).toMatchObject({ status: 0, stderr: '' });
    expect(done()).toBe('crictl stop --timeout 30 kube-scheduler$\n');
    expect(read(one, path)).toBe(one.want);
  });
});

describe('a node whose kubeconfigs name another API server', () => {
  const at = (cluster: Cluster, servers?: Readonly<Record<string, string>>): Scene => ({
    ...worker(cluster),
    facts: { ...FACTS, member: true, ...(servers === undefined ? {} : { servers }) },
  });
  const where = (one: Scene): readonly string[] =>
    PHASES.flatMap((phase) =>
      phase.on(one.cluster).some(({ name }) => name === one.node.name)
        ? phase.steps(one).flatMap(({ id }) => (id === 'endpoint/kubelet' ? [phase.id] : []))
        : [],
    );

  it('goes over in its turn; all others have the same steps where they join', () => {
    expect(isMoving(at(PAIR, { 'kubelet.conf': NEW }))).toBe(false);
    expect(where(at(PAIR, { 'kubelet.conf': NEW }))).toEqual(['join']);
    expect(where(at(PAIR))).toEqual(['join']);
    expect(where(at(PAIR, { 'kubelet.conf': OLD }))).toEqual(['endpoint']);
    expect(where({ ...scene(PAIR), facts: { ...FACTS, servers: { 'admin.conf': OLD } } })).toEqual([
      'endpoint',
    ]);
    expect(PHASES.find(({ id }) => id === 'endpoint')?.pace).toBe('one by one');
  });

  it('is known by every name before others join, when it is a control plane that has joined', () => {
    const three = {
      ...PAIR,
      nodes: [...HARBOUR.nodes, { ...WORKER, name: 'cp-1', role: 'control-plane' as const }],
    };
    const second = {
      ...scene(three),
      node: three.nodes[1] ?? WORKER,
      facts: { ...FACTS, member: true as const },
    };
    const ids = (one: Scene, phase: string): readonly string[] =>
      PHASES.find(({ id }) => id === phase)
        ?.steps(one)
        .map(({ id }) => id) ?? [];
    expect(joinedNames(second).map(({ id }) => id)).toEqual([
      'control-plane/kubeadm-config',
      'join/api-names',
    ]);
    expect(ids(second, 'join-control-plane')).not.toContain('join/api-names');
    const fresh = { ...second, facts: FACTS };
    expect(joinedNames(fresh)).toEqual([]);
    expect(ids(fresh, 'join-control-plane')).toContain('join/api-names');
  });
});

describe('what the cluster keeps of its endpoint', () => {
  const says = (said: string): void => put(root, 'said', said);

  it('is told as it is, and that there is none', () => {
    const one = endpointKept(scene());
    const settings = (line: string): void =>
      says(
        `ConfigMap/kubeadm-config\nanswered\napiServer: {}\n${line}clusterName: harbour\nproxied\nrecorded\nspec\n`,
      );
    settings('controlPlaneEndpoint: api.harbour.internal:6443\n');
    expect(read(one, path)).toBe(one.want);
    settings('controlPlaneEndpoint: 10.0.0.11:6443\n');
    expect(read(one, path)).toBe('10.0.0.11:6443');
    for (const line of ['', 'controlPlaneEndpoint: ""\n']) {
      settings(line);
      expect(read(one, path)).toBe('none');
    }
    kubectl('no');
    expect(read(one, path)).toBe('the API server does not answer');
  });

  it('is told to whoever joins', () => {
    const one = clusterInfo(scene());
    says(`clusters:\n- cluster:\n    server: ${OLD}\n\nanswered\n`);
    expect(read(one, path)).toBe(OLD);
    says(`clusters:\n- cluster:\n    server: ${NEW}\n\nanswered\n`);
    expect(read(one, path)).toBe(one.want);
    says('\nanswered\n');
    expect(read(one, path)).toBe('it says nothing');
  });

  it('is what kube-proxy goes by, and has been started since it was written', () => {
    const [one] = proxyServer(scene());
    const proxied = (server: string, marks: string): void =>
      says(
        `ConfigMap/kube-proxy\nanswered\nproxied\n    server: ${server}\nwritten|${marks}\nrecorded\nspec\n`,
      );
    proxied(NEW, '|');
    expect(read(one as Step, path)).toBe(one?.want);
    proxied(NEW, 'today|today');
    expect(read(one as Step, path)).toBe(one?.want);
    proxied(OLD, '|');
    expect(read(one as Step, path)).toBe(OLD);
    proxied(NEW, 'today|');
    expect(read(one as Step, path)).toBe(`${NEW}\nits pods are yet to be started anew`);
    expect(proxyServer(scene({ ...HARBOUR, network: { ...HARBOUR.network, kubeProxy: 'replace' } }))).toEqual(
      [],
    );
  });
});

describe('an endpoint that is somebody else’s', () => {
  const leads = (): Step => inRoot(root, endpointLeads(worker(OTHERS))[0] as Step);

  it('must lead to this cluster before anything is made, whatever is in the certificate', () => {
    expect(endpointLeads(worker())).toEqual([]);
    expect(read(leads(), path)).toBe(leads().want);
    expect(existsSync(join(root, 'asked'))).toBe(false);
    conf('kubelet.conf', NEW);
    standIn(root, 'getent', 'exit 0');
    expect(read(leads(), path)).toBe(leads().want);
    expect(text('asked')).toContain('--server=https://api.example.com:7443 --tls-server-name=kubernetes');
    standIn(root, 'getent', 'exit 2');
    expect(read(leads(), path)).toBe('api.example.com leads nowhere');
    standIn(root, 'getent', 'exit 0');
    for (const [said, means] of [
      ['The connection to the server api.example.com:7443 was refused', 'cannot be reached'],
      ['x509: certificate signed by unknown authority', 'is not this cluster'],
      ['dial tcp: lookup api.example.com: no such host', 'leads nowhere'],
    ]) {
      kubectl(`'${said}'`);
      expect(read(leads(), path)).toBe(said);
      expect(leads().clues?.find(({ match }) => match.test(said ?? ''))?.means).toContain(means);
    }
  });

  it('leaves no line behind of one that Landfall kept', () => {
    const names = join(root, 'hosts');
    const [one] = noFormerName(worker(OTHERS), names);
    put(
      root,
      'hosts',
      '127.0.0.1 localhost\n10.0.0.21 worker-0 # node kept by Landfall\n10.0.0.11 api.harbour.internal # kept by Landfall\n',
    );
    expect(read(one as Step)).toBe('10.0.0.11 api.harbour.internal');
    for (const piece of ['make', 'undo'] as const) expect(runPiece(one as Step, piece).status).toBe(0);
    expect(text('hosts')).toBe('127.0.0.1 localhost\n10.0.0.21 worker-0 # node kept by Landfall\n');
    expect(read(one as Step)).toBe(one?.want);
    expect(noFormerName(worker())).toEqual([]);
  });
});

describe('pods on the network of their node', () => {
  const pod = (uid: string, program: string, address: string): void => {
    put(root, `var/lib/kubelet/pods/${uid}/containers/${program}/log`, '');
    put(
      root,
      `var/lib/kubelet/pods/${uid}/etc-hosts`,
      `127.0.0.1 localhost\n${address} api.harbour.internal # kept by Landfall\n`,
    );
  };
  const one = (cluster: Cluster = PAIR): Step => inRoot(root, namedInPods(worker(cluster))[0] as Step);

  it('are started anew when they find the endpoint elsewhere, and no others', () => {
    pod('a', 'kube-proxy', '10.0.0.11');
    pod('b', 'somebody', '10.0.0.99');
    expect(read(one())).toBe(one().want);
    const virtual = {
      ...PAIR,
      endpoint: { ...PAIR.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } },
    };
    expect(read(one(virtual))).toBe('kube-proxy finds it at 10.0.0.11');
    expect(runPiece(one(virtual), 'make', path).status).toBe(0);
    expect(done()).toBe('crictl stop --timeout 10 kube-proxy$\n');
  });

  it('are those of Cilium where it stands in for kube-proxy; none where the name is in your DNS', () => {
    pod('a', 'cilium-agent', '10.0.0.99');
    expect(read(one())).toBe(one().want);
    expect(read(one({ ...PAIR, network: { ...PAIR.network, kubeProxy: 'replace' } }))).toBe(
      'cilium-agent finds it at 10.0.0.99',
    );
    expect(namedInPods(worker(OTHERS))).toEqual([]);
  });
});

describe('the certificate of the API server', () => {
  it('keeps the name everybody goes by until all have gone over', () => {
    const names = inRoot(root, step('control-plane/api-names', scene(OTHERS)));
    conf('admin.conf', NEW);
    put(root, 'etc/kubernetes/pki/ca.crt', 'x\n');
    put(root, 'etc/kubernetes/pki/ca.key', 'x\n');
    put(
      root,
      'etc/kubernetes/landfall/kubeadm.yaml',
      'kind: ClusterConfiguration\napiServer:\n  certSANs:\n    - api.example.com\n',
    );
    standIn(
      root,
      'kubeadm',
      `for config; do :; done; cp "$config" ${root}/config; touch ${root}/run/landfall/apiserver/apiserver.key ${root}/run/landfall/apiserver/apiserver.crt`,
    );
    expect(runPiece(names, 'make', path)).toMatchObject({ status: 0, stderr: '' });
    expect(text('config')).toContain('  certSANs:\n    - api.harbour.internal\n    - api.example.com\n');
  });
});
