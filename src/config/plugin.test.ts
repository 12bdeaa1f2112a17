import { describe, expect, it } from 'vitest';
import { Problems } from '../model/problem.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

const yaml = (network: string, kubernetes = '1.36') => `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "${kubernetes}"
network:
${network
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
`;

const told = (network: string, kubernetes?: string) => {
  try {
    return readCluster(asText('cluster.yaml', yaml(network, kubernetes))).cluster.network;
  } catch (error) {
    if (!(error instanceof Problems)) throw error;
    return error.problems.map(({ code, where, try: advice }) => `${code} ${where?.line} ${advice}`);
  }
};

describe('the network plugin in cluster.yaml', () => {
  it.each(['flannel', 'calico', 'cilium', 'none'])('may be %s', (plugin) =>
    expect(told(`plugin: ${plugin}`)).toMatchObject({ plugin, kubeProxy: 'keep' }),
  );
  it('is told how packets travel', () => {
    expect(told('plugin: calico\nencapsulation: cross-subnet\nmtu: 8950')).toMatchObject({
      encapsulation: 'cross-subnet',
      mtu: 8950,
    });
    expect(told('plugin: cilium\nkubeProxy: replace')).toMatchObject({ kubeProxy: 'replace' });
    expect(told('plugin: none\nkubeProxy: keep')).toMatchObject({ plugin: 'none' });
  });
  it.each([
    ['plugin: flannel\nkubeProxy: replace', 'network/kube-proxy 7 kubeProxy: keep, or plugin: cilium'],
    ['kubeProxy: replace', 'network/kube-proxy 6 kubeProxy: keep, or plugin: cilium'],
    ['plugin: calico\nkubeProxy: replace', 'network/kube-proxy 7 kubeProxy: keep, or plugin: cilium'],
    ['plugin: cilium\nencapsulation: cross-subnet', 'network/encapsulation 7 encapsulation: vxlan or none'],
    ['plugin: none\nmtu: 1400', 'network/mtu 7 leave mtu out, or name a plugin: flannel, calico, cilium'],
    [
      'plugin: none\nencapsulation: vxlan',
      'network/encapsulation 7 leave encapsulation out, or name a plugin: flannel, calico, cilium',
    ],
    [
      'plugin: none\nkubeProxy: replace',
      'network/kube-proxy 7 leave kubeProxy out, or name a plugin: flannel, calico, cilium',
    ],
    [
      'plugin: flannel\nencapsulation: none\nmtu: 1400',
      'network/mtu 8 leave mtu out, or encapsulation: vxlan or cross-subnet',
    ],
  ])('is refused: %j', (network, problem) => expect(told(network)).toEqual([problem]));
  it('must have been tried with the Kubernetes that is wished for', () => {
    for (const plugin of ['calico', 'cilium']) {
      expect(told(`plugin: ${plugin}`, '1.37')).toEqual([
        'network/plugin-version 6 kubernetes: "1.36", or plugin: flannel, which keeps to no minor',
      ]);
    }
    expect(told('plugin: flannel', '1.37')).toMatchObject({ plugin: 'flannel' });
  });
  it.each([
    'mtu: 576',
    'mtu: 9217',
    'mtu: 1400.5',
    'mtu: "1400"',
    'mtu: big',
    'encapsulation: ipip',
    'plugin: weave',
  ])('has its own form: %s', (line) => expect(told(line)).toHaveLength(1));
});
