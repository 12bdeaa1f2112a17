import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/config/harbour.ts';
import { HOST_DEFAULTS } from './host-defaults.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

const cluster = (ssh: string, more = ''): string => `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
${more}host:
  ssh: ${ssh}
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
`;

describe('host.ssh', () => {
  it('is what was written, and nothing where nothing was', () => {
    const read = readCluster(
      asText('cluster.yaml', cluster('{ port: 22322, rootLogin: never, passwords: false }')),
    );
    expect(read.cluster.host).toStrictEqual({
      ...HOST_DEFAULTS,
      ssh: { port: 22322, rootLogin: 'never', passwords: false },
    });
    const empty = readCluster(asText('cluster.yaml', cluster('{}')));
    expect(empty.cluster.host).toStrictEqual({ ...HOST_DEFAULTS, ssh: {} });
  });

  it.each([
    ['{ port: 6443 }', '', 'the API server'],
    ['{ port: 8443 }', 'endpoint: { address: "api.example.com:8443" }\n', 'the API server'],
    ['{ port: 10250 }', '', 'the kubelet'],
    ['{ port: 2379 }', '', 'etcd'],
    ['{ port: 30022 }', '', 'NodePorts'],
  ])('%s is refused: Kubernetes listens there', (ssh, more, who) => {
    const [problem, ...others] = problemsOf(cluster(ssh, more));
    expect([problem?.code, problem?.exit, others]).toEqual(['host/ssh-port', 2, []]);
    expect(problem?.summary).toContain(who);
  });

  it.each(['{ port: 0 }', '{ port: ssh }', '{ rootLogin: "no" }', '{ passwords: true }', '{ ports: 1 }'])(
    '%s is no wish of this form',
    (ssh) => {
      expect(problemsOf(cluster(ssh)).length).toBe(1);
    },
  );
});
