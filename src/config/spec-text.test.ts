import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster, Node } from '../model/cluster.ts';
import { specText } from '../model/spec-text.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

/** What a text of cluster.yaml says. */
const said = (text: string): Cluster => readCluster(asText('cluster.yaml', text)).cluster;

const HEAD = 'apiVersion: landfall/v1\nkind: Cluster\nname: harbour\nkubernetes: "1.36"\n';
const ONE = 'nodes:\n  - { name: cp-0, role: control-plane, address: 10.0.0.11 }\n';
const THREE = `nodes:
  - { name: worker-0, role: worker, address: 10.0.0.21, labels: { disk: nvme, "example.com/name": "yes" }, taints: ["dedicated=db:NoSchedule"] }
  - { name: cp-1, role: control-plane, address: 10.0.0.12 }
  - { name: cp-2, role: control-plane, address: cp-2.example.com, internalAddress: 10.0.0.13, slowDisk: true }
  - { name: cp-0, role: control-plane, address: 10.0.0.11, workloads: true }
`;

const FILES: Readonly<Record<string, string>> = {
  'with the least in it': `${HEAD}${ONE}`,
  'with a virtual address': `${HEAD}endpoint: { virtualIP: 10.0.0.10, interface: eth0 }\n${THREE}`,
  'with a load balancer': `${HEAD}endpoint: { address: "api.example.com:443" }\n${THREE}`,
  'with much in it': `${HEAD}endpoint: { address: api.example.com }
network: { plugin: cilium, kubeProxy: replace, mtu: 8900 }
registries:
  mirrors: [{ of: registry.k8s.io, at: "mirror.example.com:5000/k8s" }]
  logins: [{ at: mirror.example.com, user: puller, passwordFile: ~/.secrets/mirror }]
proxy: { https: "http://proxy.example.com:3128", noProxy: [.example.com] }
ssh: { user: ops, identityFile: ~/.ssh/id }
host: { swap: refuse, purge: [], ssh: { port: 22322, passwords: false }, time: { servers: [ntp.example.com] } }
${THREE}`,
};

/** The nodes as the canonical text has them. */
const sorted = (nodes: readonly Node[]): readonly Node[] =>
  ['cp-0', 'cp-1', 'cp-2', 'worker-0'].flatMap((name) => nodes.filter((node) => node.name === name));

describe('the canonical text of a cluster', () => {
  it.each(Object.entries(FILES))('%s is a cluster.yaml that says the same', (_, file) => {
    const cluster = said(file);
    expect(said(specText(cluster))).toEqual({ ...cluster, ssh: {}, nodes: sorted(cluster.nodes) });
    expect(specText(said(specText(cluster)))).toBe(specText(cluster));
  });

  it('is the same for every file that means the same', () => {
    const written = `# a comment\nkind: Cluster\napiVersion: landfall/v1\nname: "harbour"\nnetwork:\n  plugin: flannel\nkubernetes: '1.36'\n${ONE}`;
    expect(specText(said(written))).toBe(specText(said(`${HEAD}${ONE}`)));
  });

  it('knows no order of nodes: it is not the file’s that counts, but who is a member', () => {
    const cluster = said(FILES['with a load balancer'] ?? '');
    fc.assert(
      fc.property(fc.shuffledSubarray([...cluster.nodes], { minLength: cluster.nodes.length }), (nodes) => {
        expect(specText({ ...cluster, nodes })).toBe(specText(cluster));
      }),
      { numRuns: 20 },
    );
  });

  it('says nothing of how one operator gets at the hosts: a port that was moved is followed in the file', () => {
    const cluster = said(FILES['with much in it'] ?? '');
    const nodes = cluster.nodes.map((node) => ({ ...node, hostKey: 'ssh-ed25519 AAAA' }));
    expect(specText({ ...cluster, ssh: { user: 'other', port: 22322 }, nodes })).toBe(specText(cluster));
  });

  it('differs where the meaning does', () => {
    const cluster = said(FILES['with much in it'] ?? '');
    const texts = Object.values(FILES).map((file) => specText(said(file)));
    expect(new Set(texts).size).toBe(texts.length);
    const [first, ...rest] = cluster.nodes;
    if (first === undefined) throw new Error('there is one');
    const other = { ...cluster, nodes: [{ ...first, address: '10.0.0.99' }, ...rest] };
    expect(specText(other)).not.toBe(specText(cluster));
  });

  it('names an authority by its file, which holds a part of its fingerprint, and brings no certificate', () => {
    const cluster = said(`${HEAD}${ONE}`);
    const one = (file: string): Cluster => ({
      ...cluster,
      trust: [{ file, pem: 'PEM', sha256: 'c'.repeat(64) }],
    });
    expect(specText(one('root-1a2b3c4d.crt'))).toContain('trust:\n  - root-1a2b3c4d.crt\n');
    expect(specText(one('root-1a2b3c4d.crt'))).not.toContain('PEM');
    expect(specText(one('root-1a2b3c4d.crt'))).not.toBe(specText(one('root-5e6f7a8b.crt')));
  });
});
