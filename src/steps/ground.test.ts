import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  HARBOUR,
  inRoot,
  put as putInto,
  read,
  runPiece,
  scene,
  standIn,
  step,
} from '../../test/steps/scene.ts';
import { FACTS } from '../../test/report/sample.ts';
import { Problem } from '../model/problem.ts';
import { certificateNames, kubeadmConfig } from './kubeadm-config.ts';
import { apiPort, nodeAddress } from './node.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text: string, mode?: number): void => putInto(root, path, text, mode);

/** A program that prints this whatever it is asked. */
const says = (program: string, text: string): string => standIn(root, program, `cat <<'END'\n${text}\nEND`);

describe('networks of the host', () => {
  it.each([
    ['default via 10.0.0.1 dev eth0', []],
    ['10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.11', []],
    ['10.244.7.0/24 via 10.0.0.9 dev eth0', ['route 10.244.7.0/24 overlaps the pods of 10.244.0.0/16']],
    [
      '10.0.0.0/8 dev tun0',
      [
        'route 10.0.0.0/8 overlaps the pods of 10.244.0.0/16',
        'route 10.0.0.0/8 overlaps the services of 10.96.0.0/16',
      ],
    ],
    ['10.96.0.10 dev wg0', ['route 10.96.0.10 overlaps the services of 10.96.0.0/16']],
    ['10.97.0.0/16 dev eth1', []],
    ['10.243.255.255 dev eth1', []],
    ['10.245.0.0/16 dev eth1', []],
    [
      '0.0.0.0/1 dev tun0',
      [
        'route 0.0.0.0/1 overlaps the pods of 10.244.0.0/16',
        'route 0.0.0.0/1 overlaps the services of 10.96.0.0/16',
      ],
    ],
    ['10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1', []],
    ['10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink', []],
    ['blackhole 10.9.0.0/26 proto 80', []],
  ])('%s', (route, found) => {
    const said = read(step('preflight/networks'), says('ip', route));
    expect(said.split('\n')).toEqual(found.length === 0 ? ['apart from all routes of the host'] : found);
  });
});

describe('ports of the host', () => {
  const line = (port: number, who?: string): string =>
    `LISTEN 0 4096 *:${port} *:* ${who === undefined ? '' : `users:(("${who}",pid=7,fd=3))`}`;
  const want = step('preflight/ports').want;

  it.each([
    ['', want],
    [line(22, 'sshd'), want],
    [line(6443, 'kube-apiserver'), want],
    [line(10257, 'kube-controller'), want],
    [line(16443, 'haproxy'), want],
    [line(6443, 'haproxy'), 'port 6443: haproxy'],
    [
      `${line(6443, 'haproxy')}\n${line(2379, 'etcd')}\n${line(10250, 'k3s-server')}`,
      'port 10250: k3s-server\nport 6443: haproxy',
    ],
    [line(2380), 'port 2380: an unknown program'],
    // On another address than the part of Kubernetes that holds it.
    [`${line(10259, 'perl')}\n${line(10259, 'kube-scheduler')}`, want],
  ])('%j', (text, said) => {
    expect(read(step('preflight/ports'), says('ss', text))).toBe(said);
  });

  it('is the endpoint’s own where Landfall keeps its name, and 6443 behind a balancer', () => {
    expect(apiPort({ ...HARBOUR, endpoint: { host: 'a', port: 8443, kept: true } })).toBe(8443);
    expect(apiPort({ ...HARBOUR, endpoint: { host: 'a', port: 443, kept: false } })).toBe(6443);
  });
});

describe('another cluster', () => {
  const one = () => inRoot(root, step('preflight/other-cluster'));

  it('is none on a fresh host and on our own', () => {
    expect(read(one())).toBe('none');
    put('etc/kubernetes/landfall/cluster', 'harbour\n');
    put('etc/kubernetes/pki/ca.crt', 'x');
    expect(read(one())).toBe('none');
  });

  it('is named when it is Landfall’s, listed when it is not', () => {
    put('etc/kubernetes/landfall/cluster', 'other\n');
    expect(read(one())).toBe('the cluster other');
    rmSync(join(root, 'etc/kubernetes/landfall/cluster'));
    put('etc/kubernetes/manifests/etcd.yaml', 'x');
    expect(read(one())).toBe(`a cluster Landfall did not make: ${root}/etc/kubernetes/manifests/etcd.yaml`);
    rmSync(join(root, 'etc/kubernetes'), { recursive: true });
    put('etc/rancher/k3s/config', 'x');
    expect(read(one())).toBe(`a cluster Landfall did not make: ${root}/etc/rancher/k3s`);
  });
});

describe('the runtime’s surroundings', () => {
  it('knows rubbish from what somebody may need', () => {
    const one = inRoot(root, step('runtime/no-stray-networks'));
    expect(read(one)).toBe('none');
    put('etc/cni/net.d/10-flannel.conflist', '{}');
    put('etc/cni/net.d/10-crio-bridge.conflist.disabled', '{}');
    expect(read(one)).toBe('none');
    put('etc/cni/net.d/100-crio-bridge.conflist', '{}');
    put('etc/cni/net.d/05-other.conf', '{}');
    expect(read(one).split('\n')).toEqual(
      ['05-other.conf', '100-crio-bridge.conflist'].map((n) => `${root}/etc/cni/net.d/${n}`),
    );
    runPiece(one, 'make');
    expect(read(one)).toBe(`${root}/etc/cni/net.d/05-other.conf`);
  });

  it('leaves other plugins’ files alone when the plugin is somebody else’s', () => {
    const none = scene({ ...HARBOUR, network: { ...HARBOUR.network, plugin: 'none' } });
    const one = inRoot(root, step('runtime/no-stray-networks', none));
    put('etc/cni/net.d/05-other.conf', '{}');
    expect(read(one)).toBe('none');
  });

  it('removes the old package’s drop-in only when it points nowhere', () => {
    const one = inRoot(root, step('runtime/programs'));
    expect(read(one)).toBe('all there');
    const dropIn = 'etc/crio/crio.conf.d/01-crio-runc.conf';
    put(
      'etc/crio/crio.conf.d/10-crio.conf',
      `runtime_path = "${root}/etc/crio"\nmonitor_path = "/nowhere"\n`,
    );
    expect(read(one)).toBe('all there');
    put(dropIn, '[crio.runtime.runtimes.runc]\nruntime_path = "/usr/lib/cri-o-runc/sbin/runc"\n');
    expect(read(one)).toBe('/usr/lib/cri-o-runc/sbin/runc is not there');
    runPiece(one, 'make');
    expect(read(one)).toBe('all there');
  });
});

describe('the address of a node', () => {
  it('is what cluster.yaml says, its own when it is one, else that of the default route', () => {
    const node = { name: 'cp-0', role: 'control-plane', address: 'box', workloads: true } as const;
    expect(nodeAddress({ ...node, internalAddress: '10.0.0.5' }, FACTS)).toBe('10.0.0.5');
    expect(nodeAddress({ ...node, address: '192.0.2.9' }, FACTS)).toBe('192.0.2.9');
    expect(nodeAddress(node, FACTS)).toBe(FACTS.defaultAddress);
    expect(() => nodeAddress(node, undefined)).toThrow(Problem);
  });
});

describe('the file kubeadm reads', () => {
  it('is this for the article’s cluster', async () => {
    await expect(kubeadmConfig(scene())).toMatchFileSnapshot('../../test/steps/kubeadm.yaml');
  });

  it('keeps the taint where workloads stay away, and the balancer’s port out of the node', () => {
    const text = kubeadmConfig(
      scene({
        ...HARBOUR,
        endpoint: { host: 'api.example.com', port: 443, kept: false },
        nodes: [
          {
            name: 'cp-0',
            role: 'control-plane',
            address: 'ssh_Alias',
            internalAddress: '10.0.0.5',
            workloads: false,
          },
        ],
      }),
    );
    expect(text).not.toContain('taints');
    expect(text).toContain('controlPlaneEndpoint: api.example.com:443');
    expect(text).toContain('bindPort: 6443');
    expect(text).not.toContain('ssh_Alias');
  });

  it('names every way to the API server once', () => {
    expect(certificateNames(scene())).toEqual([
      'api.harbour.internal',
      '10.0.0.11',
      'localhost',
      '127.0.0.1',
    ]);
  });
});
