import { describe, expect, it } from 'vitest';
import { allSteps, HARBOUR, scene, step } from '../../test/steps/scene.ts';
import { readCluster } from '../config/load.ts';
import { asText } from '../config/text.ts';
import type { Cluster } from '../model/cluster.ts';

const { cluster: BALANCED } = readCluster(
  asText(
    'cluster.yaml',
    `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
endpoint: { virtualIP: 10.0.0.10, balance: true }
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
  - { name: cp-1, role: control-plane, address: 10.0.0.12 }
  - { name: cp-2, role: control-plane, address: 10.0.0.13 }
  - { name: worker-0, role: worker, address: 10.0.0.21 }
`,
  ),
);

describe('a balanced endpoint', () => {
  it('has a port of its own, beside that of the API servers', () => {
    expect(BALANCED.endpoint.port).toBe(8443);
    const told = step('control-plane/kubeadm-config', scene(BALANCED)).want;
    expect(told).toContain('controlPlaneEndpoint: api.harbour.internal:8443');
    expect(told).toContain('bindPort: 6443');
  });

  it('leads to every control plane, to no worker, and never to one that is not ready', () => {
    const text = step('endpoint/servers', scene(BALANCED)).want;
    expect([...text.matchAll(/^ {2}server (.*)$/gm)].map(([, words]) => words)).toEqual([
      'cp-0 10.0.0.11:6443',
      'cp-1 10.0.0.12:6443',
      'cp-2 10.0.0.13:6443',
    ]);
    expect(text).toMatch(/^ {2}bind \*:8443$/m);
    expect(text).toMatch(/^ {2}option httpchk GET \/readyz$/m);
    expect(text).toContain('on-marked-down shutdown-sessions');
  });

  it('finds its port free, or in the hands of HAProxy', () => {
    expect(step('preflight/ports', scene(BALANCED)).read.text).toContain(' 8443=haproxy');
    expect(step('preflight/ports').read.text).not.toContain('=haproxy');
  });

  it('is held by a host whose HAProxy answers, too', () => {
    const asks = (cluster: Cluster): readonly string[] =>
      step('endpoint/api-ready', scene(cluster))
        .want.split('\n')
        .filter((line) => /https:/.test(line));
    expect(asks(BALANCED)).toEqual([
      'ask https://10.0.0.11:6443/readyz',
      'ask https://127.0.0.1:8443/readyz',
    ]);
    const { balance: _, ...virtual } = BALANCED.endpoint.virtual ?? { address: '', routerId: 1 };
    expect(asks({ ...BALANCED, endpoint: { ...HARBOUR.endpoint, virtual } })).toHaveLength(1);
  });

  it('has HAProxy in place before keepalived, and refuses a host that uses it for something else', () => {
    const ids = allSteps(scene(BALANCED)).map(({ id }) => id as string);
    expect(ids.indexOf('endpoint/balancing')).toBeLessThan(ids.indexOf('endpoint/running'));
    expect(step('endpoint/running', scene(BALANCED)).after).toContain('endpoint/balancing');
    expect(ids).toContain('preflight/haproxy');
    expect(allSteps().map(({ id }) => id as string)).not.toContain('preflight/haproxy');
  });
});
