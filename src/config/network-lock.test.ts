import { describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { HARBOUR, harbourWith } from '../../test/steps/scene.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { NetworkLock } from '../model/lock.ts';
import { PLUGIN_RELEASES } from '../model/plugin-release.ts';
import { lockedNetwork, resolveNetwork } from './network-lock.ts';

const facts = { 'cp-0': FACTS };

function resolved(
  cluster: Cluster,
  of: Readonly<Record<string, Facts>> = facts,
  held?: NetworkLock,
): NetworkLock {
  const found = resolveNetwork(cluster, of, held);
  if ('field' in found) throw new Error(found.summary);
  return found;
}

describe('what the network resolves to', () => {
  it('is nothing without a plugin, and for each plugin its release', () => {
    expect(resolved(harbourWith({ plugin: 'none' }))).toEqual({ plugin: 'none', files: {}, images: [] });
    for (const plugin of ['flannel', 'calico', 'cilium'] as const) {
      const { version, files, images, encapsulations } = PLUGIN_RELEASES[plugin];
      const lock = resolved(harbourWith({ plugin }));
      expect(lock).toMatchObject({ plugin, version, files, images, mtu: 1450 });
      expect(encapsulations).toContain(lock.encapsulation);
    }
  });
  it('pins every file it fetches, over https and at one release', () => {
    for (const { version, files } of Object.values(PLUGIN_RELEASES)) {
      for (const [url, sum] of Object.entries(files)) {
        expect(url).toMatch(/^https:\/\//);
        expect(url.includes('helm-v') || url.includes(version)).toBe(true);
        expect(sum).toMatch(/^[0-9a-f]{64}$/);
      }
    }
  });
  it('looks at the device that carries the address other nodes use', () => {
    const node: Node = {
      name: 'cp-0',
      role: 'control-plane',
      address: 'gate',
      internalAddress: '10.9.0.1',
      workloads: true,
    };
    const two = {
      'cp-0': {
        ...FACTS,
        addresses: [...FACTS.addresses, { device: 'bond0', address: '10.9.0.1', prefix: 24 }],
        links: [...FACTS.links, { device: 'bond0', mac: '', mtu: 9000 }],
      },
    };
    expect(resolved({ ...HARBOUR, nodes: [node] }, two)).toMatchObject({ mtu: 8950 });
    expect(resolved(HARBOUR, two)).toMatchObject({ mtu: 1450 });
  });
  it('is the user’s own wish where there is one, and refused where it cannot be', () => {
    expect(resolved(harbourWith({ encapsulation: 'none', mtu: 1400 }))).toMatchObject({
      encapsulation: 'none',
      mtu: 1400,
    });
    expect(resolveNetwork(harbourWith({ mtu: 1500 }), facts, undefined)).toMatchObject({ field: 'mtu' });
  });
});

describe('what a lock holds of the network', () => {
  const calico = harbourWith({ plugin: 'calico' });
  const held = { ...resolved(calico), version: '3.30.0', encapsulation: 'vxlan', mtu: 1400 } as const;

  it('is kept while it meets the wish, whatever is newer or would be chosen now', () => {
    expect(lockedNetwork(calico, held)).toBe(held);
    expect(lockedNetwork(harbourWith({ plugin: 'calico', mtu: 1400 }), held)).toBe(held);
    expect(lockedNetwork(harbourWith({ plugin: 'calico', mtu: 1350 }), held)).toBeUndefined();
    expect(lockedNetwork(HARBOUR, held)).toBeUndefined();
    expect(lockedNetwork(calico, undefined)).toBeUndefined();
    expect(lockedNetwork(calico, { plugin: 'calico', files: {}, images: [] })).toBeUndefined();
  });
  it('gives way only where the wish differs: the release and the encapsulation stay', () => {
    expect(resolved(harbourWith({ plugin: 'calico', mtu: 1350 }), facts, held)).toEqual({
      ...held,
      mtu: 1350,
    });
    expect(
      resolved(harbourWith({ plugin: 'calico', encapsulation: 'cross-subnet' }), facts, held),
    ).toMatchObject({
      version: '3.30.0',
      encapsulation: 'cross-subnet',
    });
  });
  it('is forgotten with another plugin', () =>
    expect(resolved(HARBOUR, facts, held)).toEqual(resolved(HARBOUR)));
});
