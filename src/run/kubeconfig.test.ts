import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ETCD_DEFAULTS } from '../config/etcd-defaults.ts';
import { CERTIFICATE_DEFAULTS } from '../config/certificate-defaults.ts';
import { HOST_DEFAULTS } from '../config/host-defaults.ts';
import type { Cluster } from '../model/cluster.ts';
import { merge, rewrite } from './kubeconfig.ts';

const ADMIN = `apiVersion: v1
clusters:
- cluster: {certificate-authority-data: Q0E=, server: "https://api.harbour.internal:6443"}
  name: kubernetes
contexts:
- context: {cluster: kubernetes, user: kubernetes-admin}
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
users:
- name: kubernetes-admin
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
`;

const cluster: Cluster = {
  name: 'harbour',
  kubernetes: '1.36',
  endpoint: { host: 'api.harbour.internal', port: 6443, kept: true },
  network: {
    plugin: 'flannel',
    kubeProxy: 'keep',
    pods: '10.244.0.0/16',
    services: '10.96.0.0/16',
    domain: 'cluster.local',
  },
  certificates: CERTIFICATE_DEFAULTS,
  runtime: 'cri-o',
  etcd: ETCD_DEFAULTS,
  ssh: {},
  host: HOST_DEFAULTS,
  nodes: [{ name: 'cp-0', role: 'control-plane', address: '10.0.0.11', workloads: true }],
};

describe('rewrite', () => {
  it('names everything after the cluster and checks the certificate against the endpoint', () => {
    const config = parse(rewrite(ADMIN, cluster, { address: '10.0.0.11' })) as {
      clusters: { cluster: Record<string, string> }[];
      'current-context': string;
    };
    expect(config.clusters[0]?.cluster).toEqual({
      server: 'https://10.0.0.11:6443',
      'tls-server-name': 'api.harbour.internal',
      'certificate-authority-data': 'Q0E=',
    });
    expect(config['current-context']).toBe('harbour');
  });

  it('goes to another port where one leads to it, and checks the certificate all the same', () => {
    const config = parse(rewrite(ADMIN, cluster, { address: '127.0.0.1', port: 20_000 })) as {
      clusters: { cluster: Record<string, string> }[];
    };
    expect(config.clusters[0]?.cluster).toEqual({
      server: 'https://127.0.0.1:20000',
      'tls-server-name': 'api.harbour.internal',
      'certificate-authority-data': 'Q0E=',
    });
  });

  it('refuses a file that is not an admin.conf', () => {
    expect(() => rewrite('hello', cluster)).toThrow('not a kubeconfig');
  });
});

describe('merge', () => {
  it('keeps what is there, comments too, and replaces entries of the same name', () => {
    const mine =
      '# my clusters\nclusters:\n- name: other\n  cluster: {server: x}\nusers: []\ncontexts: []\ncurrent-context: other\n';
    const once = merge(mine, rewrite(ADMIN, cluster));
    const twice = merge(once, rewrite(ADMIN, cluster, { address: '10.0.0.12' }));
    const config = parse(twice) as {
      clusters: { name: string; cluster: { server: string } }[];
      users: unknown[];
    };
    expect(twice).toContain('# my clusters');
    expect(config.clusters.map((c) => c.name)).toEqual(['other', 'harbour']);
    expect(config.clusters[1]?.cluster.server).toBe('https://10.0.0.12:6443');
    expect(config.users).toHaveLength(1);
  });

  it('starts a file that is empty, and refuses one that is broken', () => {
    const fresh = rewrite(ADMIN, cluster);
    expect(merge('', fresh)).toBe(fresh);
    expect(() => merge('a: [', fresh)).toThrow('not valid YAML');
  });
});
