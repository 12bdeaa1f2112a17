import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockText } from '../../src/config/lock-text.ts';
import { labDown } from '../../src/lab/down.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Lock } from '../../src/model/lock.ts';
import { calicoFile, PLUGIN_RELEASES } from '../../src/model/plugin-release.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { pluginClues } from '../../src/steps/plugin-clues.ts';
import { clusterYaml, type Desk, desk, events, landfall, onHost, put, well, wellOnHost } from './harness.ts';
import { preparedDisk, preparedLab } from './prepared.ts';
import { depotWithPlugins, type OwnDepot } from './upstream-files.ts';

/*
 * A control plane without a network, and what Landfall says to it of Calico and Cilium: their definitions are upstream's, the API
 * server is a real one and judges every field. Their programs are not to be had here, so no pod of theirs runs.
 */

const NAME = 'test-plugins';
const CONTROL_PLANE = ['preflight', 'prepare', 'kernel', 'packages', 'runtime', 'control-plane'];
const CALICO = [
  'network/one-plugin',
  'network/calico-crds-file',
  'network/calico-operator-file',
  'network/calico-crds',
  'network/calico-operator',
  'network/calico',
];
const CILIUM = [
  'network/one-plugin',
  'network/helm',
  'network/cilium-chart',
  'network/cilium-values',
  'network/cilium',
];

let lab: Lab;
let place: Desk;
let depot: OwnDepot;
const own = process.env['LANDFALL_DEPOT'];

const only = (steps: readonly string[]): readonly string[] => steps.flatMap((step) => ['--only', step]);
const kube = (words: string): Promise<string> =>
  wellOnHost(lab, 'cp-0', `kubectl --kubeconfig=/etc/kubernetes/admin.conf ${words}`);
const apply = (steps: readonly string[]) =>
  landfall(place, 'apply', '--yes', '--json', '--no-proof', ...only(steps));

/** Writes cluster.yaml with this network, and the lock it resolves to with the sums of what the depot serves. */
async function wish(network: Readonly<Record<string, string | number>>): Promise<void> {
  const lines = Object.entries(network).map(([key, value]) => `  ${key}: ${value}\n`);
  put(place, 'cluster.yaml', clusterYaml(lab, `network:\n${lines.join('')}`));
  rmSync(join(place.dir, 'landfall.lock'), { force: true });
  const { lock } = JSON.parse((await well(place, 'plan', '--json', ...only(['preflight']))).stdout) as {
    lock: Lock;
  };
  const files = Object.fromEntries(
    Object.entries(lock.network.files).map(([url, sum]) => [url, depot.sums[url] ?? sum]),
  );
  put(place, 'landfall.lock', lockText({ ...lock, network: { ...lock.network, files } }));
}

async function made(steps: readonly string[]): Promise<readonly string[]> {
  const ended = await apply(steps);
  expect([ended.status, ended.stderr]).toEqual([0, '']);
  return events(ended).flatMap((e) => (e.is === 'step' && e.state === 'made' ? [e.step] : []));
}

async function reading(step: string): Promise<string> {
  const plan = JSON.parse((await well(place, 'plan', '--json', ...only([step]))).stdout) as Plan;
  return plan.hosts[0]?.findings[0]?.reading ?? '';
}

beforeAll(async () => {
  await preparedDisk(); // Out of everybody's depot.
  depot = depotWithPlugins();
  process.env['LANDFALL_DEPOT'] = depot.folder;
  place = desk();
  lab = await preparedLab(NAME);
  await wish({ plugin: 'calico' });
  await made(CONTROL_PLANE);
});

afterAll(async () => {
  await labDown(NAME, () => undefined);
  if (own === undefined) delete process.env['LANDFALL_DEPOT'];
  else process.env['LANDFALL_DEPOT'] = own;
  rmSync(depot.folder, { recursive: true, force: true });
});

describe('a node without a network plugin', () => {
  it('says so in words that are understood', async () => {
    const words = await reading('network/nodes-ready');
    const clue = pluginClues('calico').find(({ match }) =>
      words.split('\n').some((line) => match.test(line)),
    );
    expect([words, clue?.diagnosis]).toEqual([expect.stringContaining('cp-0: '), 'H37']);
  });
});

describe('Calico', () => {
  const operator = calicoFile(PLUGIN_RELEASES.calico.version, 'tigera-operator.yaml');

  it('is not installed from another file than the lock names', async () => {
    depot.serve(operator, 'kind: Namespace\n');
    const ended = await landfall(place, 'apply', '--yes', '--no-proof', ...only(CALICO));
    expect([ended.status, ended.stderr]).toEqual([
      1,
      expect.stringContaining('not the file landfall.lock names'),
    ]);
    expect(await kube('get namespaces -o name')).not.toContain('tigera');
    expect((await onHost(lab, 'cp-0', 'ls -A /var/lib/landfall/upstream')).stdout).toBe('calico-crds.yaml\n');
  });

  it('is accepted by the API server with its own definitions, and then all is as wanted', async () => {
    depot.restore();
    expect(await made(CALICO)).toEqual(CALICO.slice(2));
    expect(await made(CALICO)).toEqual([]);
    const { spec } = parse(await kube('get installations.operator.tigera.io default -o yaml')) as {
      spec: object;
    };
    expect(spec).toMatchObject({
      calicoNetwork: {
        bgp: 'Disabled',
        mtu: 1450,
        linuxDataplane: 'Nftables',
        ipPools: [{ encapsulation: 'VXLAN' }],
      },
    });
  });

  it('leaves to the operator what it adds by itself', async () => {
    await kube(
      `patch installations.operator.tigera.io default --type=merge -p '{"spec":{"cni":{"type":"Calico"},"calicoNetwork":{"multiInterfaceMode":"None"}}}'`,
    );
    expect(await made(CALICO)).toEqual([]);
  });

  it('gets no packets that the host’s device does not carry', async () => {
    put(place, 'cluster.yaml', clusterYaml(lab, 'network:\n  plugin: calico\n  mtu: 1500\n'));
    const ended = await landfall(place, 'plan');
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringContaining('error[network/mtu]')]);
    expect(ended.stderr).toMatch(/cluster\.yaml:\d+[^]*mtu: 1500[^]*mtu: 1450/);
  });

  it.each(['cross-subnet', 'none'])('likewise with encapsulation %s', async (encapsulation) => {
    await wish({ plugin: 'calico', encapsulation, mtu: 1400 });
    expect(await made(CALICO)).toEqual(['network/calico']);
  });

  it('is judged field by field: a word that Calico does not know is refused', async () => {
    const ended = await onHost(
      lab,
      'cp-0',
      `kubectl --kubeconfig=/etc/kubernetes/admin.conf get installations.operator.tigera.io default -o yaml |
        sed 's/encapsulation: None/encapsulation: Nowhere/' | kubectl --kubeconfig=/etc/kubernetes/admin.conf replace --dry-run=server -f -`,
    );
    expect([ended.status, ended.stderr]).toEqual([
      1,
      expect.stringContaining('Unsupported value: "Nowhere"'),
    ]);
  });
});

describe('Cilium', () => {
  it('is filled in from its chart and accepted by the API server, and then all is as wanted', async () => {
    await wish({ plugin: 'cilium' });
    expect(await made(CILIUM)).toEqual(CILIUM.slice(1));
    expect(await made(CILIUM)).toEqual([]);
    const { data } = parse(await kube('-n kube-system get configmap cilium-config -o yaml')) as {
      data: Readonly<Record<string, string>>;
    };
    expect(data).toMatchObject({ 'routing-mode': 'tunnel', mtu: '1500', 'kube-proxy-replacement': 'false' });
    expect(data).not.toHaveProperty('hubble-listen-address');
  });

  it('does not take the place of a kube-proxy that is there', async () => {
    await wish({ plugin: 'cilium', kubeProxy: 'replace' });
    expect(await reading('network/no-kube-proxy')).toBe('kube-proxy is there');
  });

  it('is not exchanged for another', async () => {
    await wish({ plugin: 'flannel' });
    const ended = await landfall(
      place,
      'apply',
      '--yes',
      '--no-proof',
      ...only(['network/one-plugin', 'network/flannel']),
    );
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining('the cluster has cilium')]);
    expect(await kube('get namespaces -o name')).not.toContain('flannel');
  });
});

describe('reset', () => {
  /** What plugins leave in the kernel, made by hand; and beside each something like it that is nobody's but the host's. */
  const PLANT = `
ip link add vxlan.calico type vxlan id 4096 dstport 4789
ip link add cali12345678901 type veth peer name planted0
ip link add cilium_host type veth peer name cilium_net
ip link add lxcbr0 type bridge
ip route add blackhole 10.244.99.0/26 proto 80
ip route add blackhole 10.77.99.0/26 proto 80
ip rule add pref 9 fwmark 0x200/0xf00 lookup 2004
ip route add local default dev lo table 2004
ip rule add pref 100 lookup local
ip rule del pref 0 lookup local
nft add table ip calico
nft add table arp calico-arp
nft add table ip hand
mkdir -p /var/lib/calico /run/cilium && echo cp-0 >/var/lib/calico/nodename`;
  const SEEN = `
ip -o link show | awk '{ sub(/[:@].*/, "", $2); print "link", $2 }' | grep -v -e ' lo$' -e ' eth0$' || :
ip route show | sed -n 's/^blackhole \\([^ ]*\\).*/route \\1/p'
ip rule show | sed 's/\\t/ /g'
ip route show table 2004 2>/dev/null || :
ls -d /var/lib/calico /run/cilium /var/lib/landfall 2>/dev/null || :`;

  it('takes back what each plugin leaves in the kernel, and nothing that only looks like it', async () => {
    await wellOnHost(lab, 'cp-0', PLANT);
    await well(place, 'reset', '--cluster', NAME, '--yes');
    expect((await wellOnHost(lab, 'cp-0', SEEN)).trim().split('\n')).toEqual([
      'link lxcbr0',
      'route 10.77.99.0/26',
      '0: from all lookup local',
      '32766: from all lookup main',
      '32767: from all lookup default',
    ]);
    // The host's own nft came with the cluster and has gone with it.
    const tables = execFileSync('nsenter', [
      `--net=/run/netns/landfall.${NAME}.host.cp-0`,
      'nft',
      'list',
      'tables',
    ]);
    expect(tables.toString()).toBe('table ip hand\n');
  });
});
