import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allSteps, harbourWith, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import type { Cluster, Encapsulation } from '../model/cluster.ts';
import { calicoObjects } from './calico.ts';
import { ciliumValues } from './cilium.ts';
import { flannelObjects } from './flannel.ts';
import { kubeadmConfig } from './kubeadm-config.ts';
import type { Scene } from './phase.ts';
import { installed, type Installed } from './plugin.ts';
import { pluginClues } from './plugin-clues.ts';

function at(network: Partial<Cluster['network']>): { readonly scene: Scene; readonly release: Installed } {
  const own = scene(harbourWith(network));
  const release = installed(own.cluster, own.lock);
  if (release === undefined) throw new Error('no plugin');
  return { scene: own, release };
}

describe('what a plugin is told', () => {
  const calico = (encapsulation?: Encapsulation) => {
    const { scene: own, release } = at({
      plugin: 'calico',
      ...(encapsulation === undefined ? {} : { encapsulation }),
    });
    return calicoObjects(own, release)[0]?.['spec'];
  };
  it('fits the cluster: Calico', () => {
    expect(calico()).toMatchObject({
      calicoNetwork: {
        bgp: 'Disabled',
        mtu: 1450,
        linuxDataplane: 'Nftables',
        nodeAddressAutodetectionV4: { kubernetes: 'NodeInternalIP' },
        ipPools: [{ cidr: '10.244.0.0/16', encapsulation: 'VXLANCrossSubnet' }],
      },
    });
    expect(calico('vxlan')).toMatchObject({ calicoNetwork: { ipPools: [{ encapsulation: 'VXLAN' }] } });
    expect(calico('none')).toMatchObject({
      calicoNetwork: { bgp: 'Enabled', mtu: 1500, ipPools: [{ encapsulation: 'None' }] },
    });
  });

  const cilium = (network: Partial<Cluster['network']> = {}): unknown => {
    const { scene: own, release } = at({ plugin: 'cilium', ...network });
    return parse(ciliumValues(own, release));
  };
  it('fits the cluster: Cilium, which wants the MTU of the network below', () => {
    expect(cilium()).toMatchObject({ routingMode: 'tunnel', MTU: 1500, kubeProxyReplacement: false });
    expect(cilium()).not.toHaveProperty('k8sServiceHost');
    expect(cilium({ encapsulation: 'none', mtu: 1400 })).toMatchObject({
      routingMode: 'native',
      autoDirectNodeRoutes: true,
      ipv4NativeRoutingCIDR: '10.244.0.0/16',
      MTU: 1400,
    });
    expect(cilium({ kubeProxy: 'replace' })).toMatchObject({
      kubeProxyReplacement: true,
      k8sServiceHost: 'api.harbour.internal',
      k8sServicePort: 6443,
    });
    // Taken out of the chart's own values: with it, Hubble would listen without a certificate.
    expect(cilium()).toMatchObject({ hubble: { listenAddress: null } });
  });

  const flannel = (network: Partial<Cluster['network']> = {}): unknown => {
    const { scene: own, release } = at({ plugin: 'flannel', ...network });
    const data = flannelObjects(own, release).find((o) => o.kind === 'ConfigMap')?.['data'];
    return parse((data as Record<string, string>)['net-conf.json'] ?? '');
  };
  it('fits the cluster: flannel, likewise', () => {
    expect(flannel()).toMatchObject({ Network: '10.244.0.0/16', Backend: { Type: 'vxlan', MTU: 1500 } });
    expect(flannel({ encapsulation: 'cross-subnet', mtu: 1400 })).toMatchObject({
      Backend: { Type: 'vxlan', MTU: 1450, DirectRouting: true },
    });
    expect(flannel({ encapsulation: 'none' })).toMatchObject({ Backend: { Type: 'host-gw' } });
  });
  it('and kubeadm makes no kube-proxy where Cilium stands in for it', () => {
    const replaced = scene(harbourWith({ plugin: 'cilium', kubeProxy: 'replace' }));
    expect(kubeadmConfig(replaced)).toContain('proxy:\n  disabled: true');
    expect(kubeadmConfig(replaced)).not.toContain('KubeProxyConfiguration');
    expect(kubeadmConfig(scene())).not.toContain('disabled');
    const ids = (own: Scene) => allSteps(own).map(({ id }) => id);
    expect(ids(replaced)).toContain('network/no-kube-proxy');
    expect(ids(replaced)).not.toContain('network/kube-proxy');
    expect(step('control-plane/init', replaced).read.text).not.toContain('kube-proxy');
    expect(step('control-plane/init').read.text).toContain('DaemonSet/kube-proxy');
  });
});

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'landfall-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

/** A kubectl that prints these lines. */
function kubectl(...lines: readonly string[]): string {
  put(
    'bin/kubectl',
    `#!/bin/sh\ncase $* in */readyz) echo ok; exit ;; esac\ncat <<'X'\n${lines.map((line) => `${line}\n`).join('')}X\n`,
    0o755,
  );
  return join(root, 'bin');
}

const rollout = (name: string): string => `rollout|${name}|1|1|1|1|1`;

it('asks again for the pod that writes the plugin’s file, where an API server is too busy to answer once', () => {
  put('bin/timeout', '#!/bin/sh\nshift\nexec "$@"\n', 0o755);
  put('bin/sleep', '#!/bin/sh\n', 0o755);
  put(
    'bin/kubectl',
    `#!/bin/sh
case $* in
  *' get pods '*) if [ -e ${root}/asked ]; then printf 'flannel-x '; else : >${root}/asked; echo 'Client.Timeout exceeded' >&2; exit 1; fi ;;
  *' delete pod '*) echo "$*" >${root}/deleted ;;
esac
`,
    0o755,
  );
  const { status, stderr } = runPiece(inRoot(root, step('network/conflist')), 'make', join(root, 'bin'));
  expect([status, readFileSync(join(root, 'deleted'), 'utf8')], stderr).toEqual([
    0,
    expect.stringContaining('delete pod flannel-x --wait=false'),
  ]);
});

describe('the plugin a cluster has', () => {
  const kept = () => inRoot(root, step('preflight/network-plugin', at({ plugin: 'calico' }).scene));

  it('is seen on the host once there is a cluster, and not before', () => {
    put('etc/cni/net.d/10-flannel.conflist', '{}');
    expect(read(kept())).toBe(kept().want);
    put('etc/kubernetes/landfall/initialised', 'x');
    expect(read(kept())).toBe('the cluster has flannel');
    put('etc/cni/net.d/05-cilium.conflist', '{}');
    expect(read(kept())).toBe('the cluster has flannel cilium');
    expect(kept().clues?.[0]?.match.test(read(kept()))).toBe(true);
    rmSync(join(root, 'etc/cni'), { recursive: true });
    put('etc/cni/net.d/10-calico.conflist', '{}');
    expect(read(kept())).toBe(kept().want);
  });
  it('is nobody’s business with none', () => {
    put('etc/kubernetes/landfall/initialised', 'x');
    put('etc/cni/net.d/10-flannel.conflist', '{}');
    const none = inRoot(root, step('preflight/network-plugin', scene(harbourWith({ plugin: 'none' }))));
    expect(read(none)).toBe(none.want);
  });
  it('is seen in the cluster by its DaemonSet, however it came there', () => {
    const one = step('network/one-plugin', at({ plugin: 'calico' }).scene);
    const proxy = rollout('kube-system/DaemonSet/kube-proxy');
    expect(read(one, kubectl(proxy, rollout('calico-system/DaemonSet/calico-node')))).toBe('no other');
    expect(read(one, kubectl(proxy, rollout('kube-flannel/DaemonSet/kube-flannel-ds')))).toBe(
      'the cluster has flannel',
    );
    expect(read(one, kubectl(rollout('kube-system/DaemonSet/calico-node')))).toBe(
      'the cluster has calico, from a manifest',
    );
    expect(read(one, kubectl(rollout('kube-flannel/Deployment/kube-flannel-ds')))).toBe('no other');
    expect(read(one, kubectl())).toBe('the cluster says nothing');
  });
});

describe('a kube-proxy that is not wanted', () => {
  const one = () => step('network/no-kube-proxy', at({ plugin: 'cilium', kubeProxy: 'replace' }).scene);
  it('is seen, and never taken out', () => {
    expect(one().make).toBeUndefined();
    expect(read(one(), kubectl(rollout('kube-system/DaemonSet/cilium')))).toBe('none');
    expect(read(one(), kubectl(rollout('kube-system/DaemonSet/kube-proxy')))).toBe('kube-proxy is there');
    expect(read(one(), kubectl())).toBe('the cluster says nothing');
  });
});

describe('the health of Calico', () => {
  const one = () => step('network/calico-available', at({ plugin: 'calico' }).scene);
  it.each([
    [['calico|True|False|', 'ippools|True|False|', 'apiserver|True|False|'], 'all available'],
    [['ippools|True|False|'], 'the operator has said nothing yet'],
    [['calico|False|False|'], 'calico: not available yet'],
    [
      ['calico|True|True|Pod calico-node-x has crash looping container'],
      'calico: Pod calico-node-x has crash looping container',
    ],
    [['calico|True|False|', 'apiserver|||'], 'apiserver: not available yet'],
    [[], 'the operator has said nothing yet'],
  ])('%j is %s', (lines, reading) => expect(read(one(), kubectl(...lines))).toBe(reading));
});

describe('the health of Cilium', () => {
  const one = () => step('network/cilium-status', at({ plugin: 'cilium' }).scene);
  it('is its own word', () => {
    expect(read(one(), kubectl('OK'))).toBe(one().want);
    expect(
      read(one(), kubectl('error: unable to upgrade connection: container not found ("cilium-agent")')),
    ).not.toBe('OK');
  });
});

describe('the packets of pods', () => {
  const one = () => step('preflight/pod-mtu', at({ plugin: 'calico' }).scene);
  /** A stand-in of `ip` on a host whose device carries so many bytes. */
  const ip = (mtu: number): string => {
    const link = `2: eth0@if5: <BROADCAST,UP> mtu ${mtu} qdisc noqueue state UP`;
    const address = '2: eth0    inet 10.0.0.11/24 brd 10.0.0.255 scope global eth0';
    put('bin/ip', `#!/bin/sh\ncase "$*" in *link*) echo '${link}' ;; *) echo '${address}' ;; esac\n`, 0o755);
    return join(root, 'bin');
  };
  it('fit through the device that carries the address of the node', () => {
    expect(read(one(), ip(1500))).toBe(one().want);
    expect(read(one(), ip(9000))).toBe('carries 1500 bytes');
    expect(read(one(), ip(1400))).toBe('eth0 carries 1400 bytes');
    expect(one().clues?.[0]?.match.test('eth0 carries 1400 bytes')).toBe(true);
  });
});

describe('what a node without a network says', () => {
  /** Words of programs as they were seen, and the diagnosis they belong to. */
  const SAID: readonly (readonly [string, string])[] = [
    [
      'cp-0: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in /etc/cni/net.d/. Has your network provider started?',
      'H37',
    ],
    [
      'cp-0: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
      'H37',
    ],
    ['plugin type="calico" failed (add): failed to find plugin "calico" in path [/opt/cni/bin]', 'H37'],
    ['0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.', 'H38'],
    [
      '0/1 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }.',
      'H39',
    ],
    [
      'plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized',
      'H45',
    ],
    [
      'plugin type="calico" failed (add): stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running',
      'H46',
    ],
    ['calico/node is not ready: BIRD is not ready: BGP not established with 10.0.0.12', 'H47'],
    ['cp-0: CIDRNotAvailable: Node cp-0 status is now: CIDRNotAvailable', 'H49'],
    [
      "Failed to start ContainerManager failed to initialize top level QOS containers: root container [kubepods] doesn't exist",
      'H50',
    ],
    ['[FATAL] plugin/loop: Loop (127.0.0.1:52290 -> :53) detected for zone "."', 'H51'],
  ];
  it.each(SAID)('%s', (words, diagnosis) => {
    const found = pluginClues('calico').find(({ match }) => match.test(words));
    expect(found?.diagnosis).toBe(diagnosis);
  });
  it('is explained by what the operator of Calico says, too', () => {
    const words =
      'calico: Pod calico-system/calico-node-4zmr6 failed to pull container image for: ebpf-bootstrap';
    const clues = step('network/calico-available', at({ plugin: 'calico' }).scene).clues ?? [];
    expect(clues.find(({ match }) => match.test(words))?.means).toContain('cannot be pulled');
  });
  it('is explained by the pool that is not the pod network', () => {
    const words =
      "Could not resolve CalicoNetwork IPPool and kubeadm configuration: IPPool 192.168.0.0/16 is not within the platform's configured pod network CIDR(s)";
    const clues = step('network/calico-available', at({ plugin: 'calico' }).scene).clues ?? [];
    expect(clues.find(({ match }) => match.test(words))?.diagnosis).toBe('H48');
  });
  it('points at the pods of the plugin it has', () => {
    const advice = (plugin?: 'calico' | 'cilium' | 'flannel') =>
      pluginClues(plugin).find(({ match }) => match.test('cni plugin not initialized'))?.try;
    expect(advice('calico')).toContain('-n calico-system');
    expect(advice('cilium')).toContain('daemonset/cilium');
    expect(advice('flannel')).toContain('-n kube-flannel');
    expect(advice()).toContain('install the network plugin');
  });
});
