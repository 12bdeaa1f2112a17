import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { HARBOUR, inRoot, put, read, scene, standIn, step } from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Scene } from './phase.ts';

let root = '';
let bin = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  host(FACTS);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Makes the host look as its facts say. */
function host(facts: Facts): void {
  put(root, 'etc/machine-id', `${facts.machineId}\n`);
  put(root, 'sys/class/dmi/id/product_uuid', `${facts.productUuid?.toUpperCase()}\n`);
  standIn(root, 'hostname', `echo ${facts.hostname}`);
  const lines = facts.addresses.map(
    (a, i) => `${i + 2}: ${a.device}    inet ${a.address}/${a.prefix} scope global`,
  );
  const links = facts.links.map(
    ({ device, mac, mtu }) =>
      `*"dev ${device}") echo '2: ${device}@if5: <BROADCAST,UP> mtu ${mtu} qdisc noqueue state UP \\    link/ether ${mac} brd ff:ff:ff:ff:ff:ff' ;;`,
  );
  bin = standIn(
    root,
    'ip',
    `case "$*" in *address*) cat <<'END'\n${lines.join('\n')}\nEND\n;;\n${links.join('\n')}\nesac`,
  );
}

const TWO: Cluster = {
  ...HARBOUR,
  nodes: [
    ...HARBOUR.nodes,
    { name: 'worker-0', role: 'worker', address: '10.0.0.21', workloads: true },
    { name: 'worker-1', role: 'worker', address: '10.0.0.22', workloads: true },
  ],
};

/** Facts of another host, with nothing in common with the first. */
function other(n: number, more: Partial<Facts> = {}): Facts {
  return {
    ...FACTS,
    hostname: `worker-${n}`,
    machineId: `${n + 1}`.repeat(32),
    productUuid: `4c4c4544-0042-3510-8052-00000000000${n}`,
    addresses: [{ device: 'eno1', address: `10.0.0.2${n + 1}`, prefix: 24 }],
    links: [{ device: 'eno1', mac: `52:54:00:00:00:2${n}`, mtu: 1500 }],
    defaultAddress: `10.0.0.2${n + 1}`,
    ...more,
  };
}

function seen(
  id: string,
  others: readonly Facts[],
  own: Partial<Facts> = {},
): { text: string; said: string } {
  const facts = { ...FACTS, ...own };
  const hosts = Object.fromEntries([facts, ...others].map((f, i) => [TWO.nodes[i]?.name ?? '', f]));
  const at: Scene = { ...scene(TWO, own), hosts };
  const one = inRoot(root, step(id, at));
  return { text: one.read.text, said: read(one, bin) };
}

describe('a host among others', () => {
  const identity = (others: readonly Facts[], own: Partial<Facts> = {}) =>
    seen('preflight/identity', others, own);

  it('is told apart by all its marks, and no mark of another is in its script', () => {
    const { text, said } = identity([other(0), other(1)]);
    expect(said).toBe('its own');
    for (const mark of ['worker-', '1111', '10.0.0.21', '52:54']) expect(text).not.toContain(mark);
  });

  it.each([
    ['machineId', { machineId: FACTS.machineId }, `machine-id ${FACTS.machineId}`],
    ['productUuid', { productUuid: FACTS.productUuid as string }, `product_uuid ${FACTS.productUuid}`],
    ['hostname', { hostname: 'cp-0' }, 'hostname cp-0'],
    ['MAC', { links: [{ device: 'eno1', mac: '52:54:00:00:00:11', mtu: 1500 }] }, 'MAC 52:54:00:00:00:11'],
  ])('shares its %s', (_name, same, mark) => {
    expect(identity([other(0), other(1, same)]).said).toBe(`${mark} is also that of worker-1`);
  });

  it('is believed when it was mended since it was asked', () => {
    put(root, 'etc/machine-id', `${'f'.repeat(32)}\n`);
    expect(identity([other(0, { machineId: FACTS.machineId })]).said).toBe('its own');
  });

  it('has nothing in common by what no maker has filled in, by bridges, or by what a lab shares', () => {
    const board = { productUuid: '03000200-0400-0500-0006-000700080009' };
    host({ ...FACTS, ...board });
    expect(identity([other(0, board)], board).said).toBe('its own');
    const docker = { device: 'docker0', mac: '02:42:ac:11:00:01', mtu: 1500 };
    const bridged = (f: Facts): Partial<Facts> => ({
      links: [docker, ...f.links],
      addresses: [{ device: 'docker0', address: '172.17.0.1', prefix: 16 }, ...f.addresses],
    });
    expect(identity([other(0, bridged(other(0)))], bridged(FACTS)).said).toBe('its own');
    const lab = { lab: ['identity: the machine’s'], productUuid: FACTS.productUuid as string };
    expect(identity([other(0, lab)], lab).said).toBe('its own');
  });

  it.each(['', 'uninitialized', 'ABCDEF'])('has no identity with %j as its machine-id', (text) => {
    put(root, 'etc/machine-id', text);
    expect(identity([]).said).toBe('no machine-id');
  });
});

describe('the size of packets', () => {
  const mtu = (others: readonly Facts[]) => seen('preflight/mtu', others).said;
  const link = (size: number): Partial<Facts> => ({ links: [{ device: 'eno1', mac: '', mtu: size }] });

  it('is alike on all, and large enough', () => {
    expect(mtu([])).toBe('alike, and large enough');
    expect(mtu([other(0), other(1)])).toBe('alike, and large enough');
  });

  it('differs from another', () => {
    expect(mtu([other(0), other(1, link(9000))])).toBe('eth0 has 1500, worker-1 9000');
    // A host that does not say is not compared.
    expect(mtu([other(0, { links: [] })])).toBe('alike, and large enough');
  });

  it('is too small to carry others', () => {
    host({ ...FACTS, links: [{ device: 'eth0', mac: '', mtu: 1200 }] });
    expect(mtu([other(0, link(1200))])).toBe('eth0 has 1200');
  });
});
