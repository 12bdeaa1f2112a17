import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authority } from '../../src/lab/depot/authority.ts';
import { DEPOT_NAMES } from '../../src/lab/depot/names.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { historyFolder } from '../../src/run/history.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  type Ended,
  events,
  freshLab,
  landfall,
  put,
  well,
  wellOnHost,
} from './harness.ts';
import { type Mirror, onlyBy, startMirror } from './mirror.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { filesHolding, foundIn, rootOf, type Sampler, sampler, type Secrets } from './secrets.ts';
import { differences, type Snapshot, snapshot } from './snapshot.ts';

/*
 * One cluster that has no way to the outside but two: a mirror, which asks who pulls and whose certificate is of an authority of its
 * own, and a proxy. Every other way leads nowhere from its host: so each image and package that is there has come by one of them.
 * The tests run in their order.
 */

const NAME = 'test-registries';
const HOST = 'cp-0';
const FIRST = 'Sesame-open-0815-first';
const SECOND = 'Sesame-open-4711-second';
const LOGINS = '/etc/kubernetes/landfall/registry-logins.json';
const AUTHORITIES = '/usr/local/share/ca-certificates/landfall';
const MIRRORS = '/etc/containers/registries.conf.d/99-landfall.conf';

const WISH = `registries:
  mirrors:
    - { of: registry.k8s.io, at: mirror.example.com/k8s }
    - { of: ghcr.io, at: mirror.example.com/ghcr }
  logins:
    - { at: mirror.example.com, user: puller, passwordFile: mirror.password }
trust: [own-ca.pem]
proxy:
  http: http://proxy.example.com:3128
  https: http://proxy.example.com:3128
  noProxy: [mirror.example.com]
`;

/** What a process of a service has in its environment of proxies. */
const environment = (unit: string): string =>
  `tr '\\0' '\\n' </proc/$(systemctl show -p MainPID --value ${unit})/environ | grep -i _proxy= | sort`;

let lab: Lab;
let place: Desk;
let mirror: Mirror;
let proxy: Proxy;
let watch: Sampler;
let before: Snapshot;
/** Everything Landfall has said. */
const said: string[] = [];

const kept = async (ended: Promise<Ended>): Promise<Ended> => {
  const { stdout, stderr } = await ended;
  said.push(stdout, stderr);
  return ended;
};
const onHost = (script: string): Promise<string> => wellOnHost(lab, HOST, script);
const password = (text: string): void => chmodSync(put(place, 'mirror.password', `${text}\n`), 0o600);

/** What plan says of the steps that are not as wanted: `FORECAST STEP`. */
async function open(): Promise<readonly string[]> {
  const { stdout } = await kept(well(place, 'plan', '--json'));
  const plan = JSON.parse(stdout) as Plan;
  return plan.hosts.flatMap((h) =>
    h.findings.filter((f) => f.forecast !== 'right').map((f) => `${f.forecast} ${f.step}`),
  );
}

async function made(): Promise<readonly string[]> {
  const told = events(await kept(well(place, 'apply', '--yes', '--json', '--no-proof')));
  return told.flatMap((e) => (e.is === 'step' && e.state === 'made' ? [e.step as string] : []));
}

const crioStart = (): Promise<string> => onHost('systemctl show -p ExecMainStartTimestampMonotonic crio');

/** Pulls an image afresh, by its upstream name. */
const pulls = (image = 'registry.k8s.io/coredns/coredns'): string =>
  `image=$(crictl images | awk -v name=${image} '$1 == name { print $1 ":" $2 }' | head -n 1); [ -n "$image" ]; crictl pull "$image" >/dev/null`;

function secrets(): Secrets {
  const found = new Map<string, string>();
  for (const text of [FIRST, SECOND]) {
    found.set(text, text);
    found.set(Buffer.from(`puller:${text}`).toString('base64').replace(/=+$/, ''), `${text} in base64`);
  }
  return found;
}

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  put(place, 'cluster.yaml', clusterYaml(lab, WISH));
  const ca = await authority(join(place.dir, 'ca'));
  put(place, 'own-ca.pem', readFileSync(ca.certificate, 'utf8'));
  proxy = await startProxy(lab);
  mirror = await startMirror(lab, {
    ca,
    allowed: `puller:${FIRST}`,
    paths: { k8s: 'registry.k8s.io', ghcr: 'ghcr.io' },
  });
  const outside = DEPOT_NAMES.filter((name) => !name.endsWith('.ntp.org'));
  await onHost(onlyBy(lab, ['mirror.example.com', 'proxy.example.com'], outside));
  // What kubeadm finds in its environment it copies into pods.
  await onHost('systemctl set-environment HTTPS_PROXY=http://proxy.example.com:3128');
  before = await snapshot(lab, HOST, false);
  watch = sampler();
});

afterAll(async () => {
  mirror.close();
  proxy.close();
  await cleared(NAME, place);
});

test('without the password nothing is begun, and where it was looked for is shown', async () => {
  const ended = await kept(landfall(place, 'plan'));
  expect(ended.status).toBe(2);
  expect(ended.stderr).toMatch(
    /error\[registries\/password\][^]*mirror\.example\.com[^]*cluster\.yaml:\d+[^]*passwordFile/,
  );
});

test('a cluster is made whose images come by the mirror alone', async () => {
  password(FIRST);
  const plan = (await kept(well(place, 'plan', '--full'))).stdout;
  expect(plan).toContain('location = "mirror.example.com/k8s"');
  expect(plan).toContain('puller at mirror.example.com');
  await kept(well(place, 'apply', '--yes', '--json'));
  expect(await open()).toEqual([]);
  for (const image of ['k8s/kube-apiserver', 'k8s/pause', 'k8s/coredns', 'ghcr/flannel-io'])
    expect(mirror.told.filter((line) => line.startsWith(`200 /v2/${image}`))).not.toEqual([]);
  expect(
    await onHost(`stat -c '%a %U' ${LOGINS}; curl -s -m 5 https://registry.k8s.io/v2/ || echo nowhere`),
  ).toBe('600 root\nnowhere\n');
});

test('packages came by the proxy, services go by it, and the control plane does not', async () => {
  for (const way of ['CONNECT pkgs.k8s.io:443', 'CONNECT download.opensuse.org:443'])
    expect(proxy.told).toContain(way);
  expect(proxy.told.filter((line) => line.includes('mirror.example.com'))).toEqual([]);
  const address = lab.hosts[0]?.address ?? '';
  for (const unit of ['crio', 'kubelet']) {
    const said = await onHost(environment(unit));
    expect(said).toContain('HTTPS_PROXY=http://proxy.example.com:3128\n');
    for (const own of [
      '10.244.0.0/16',
      '10.96.0.0/16',
      '.svc',
      '.cluster.local',
      address,
      `api.${NAME}.internal`,
    ])
      expect(
        said
          .split('\n')
          .find((line) => line.startsWith('NO_PROXY='))
          ?.slice(9)
          .split(','),
      ).toContain(own);
  }
  expect(await onHost('grep -il _proxy /etc/kubernetes/manifests/* || echo none')).toBe('none\n');
});

test.each([
  ['the mirrors are gone', `rm ${MIRRORS}`, ['runtime/mirrors'], true],
  ['a mirror is another', `sed -i s/mirror.example/evil.example/ ${MIRRORS}`, ['runtime/mirrors'], true],
  ['all may read the logins', `chmod 0644 ${LOGINS}`, ['runtime/logins'], false],
  ['the logins are others', `sed -i 's/"auth":"/"auth":"AAAA/' ${LOGINS}`, ['runtime/logins'], false],
  [
    'CRI-O is not told of the logins',
    'rm /etc/crio/crio.conf.d/30-landfall-logins.conf; systemctl restart crio',
    ['runtime/logins-named'],
    true,
  ],
  [
    'an authority is gone',
    `rm ${AUTHORITIES}/*; update-ca-certificates --fresh`,
    ['trust/authorities'],
    true,
  ],
  ['another is trusted', `cp /etc/kubernetes/pki/ca.crt ${AUTHORITIES}/`, ['trust/authorities'], true],
  [
    'the list was made without them',
    `mv ${AUTHORITIES} /root/away; update-ca-certificates --fresh; mv /root/away ${AUTHORITIES}`,
    ['trust/known'],
    false,
  ],
  ['apt knows no proxy', 'rm /etc/apt/apt.conf.d/zz-landfall-proxy', ['proxy/apt'], false],
  [
    'the runtime goes by another proxy',
    'sed -i s/3128/3129/ /etc/systemd/system/crio.service.d/landfall-proxy.conf',
    ['proxy/runtime'],
    true,
  ],
  [
    'kubelet knows no proxy',
    'rm /etc/systemd/system/kubelet.service.d/landfall-proxy.conf',
    ['proxy/kubelet'],
    false,
  ],
])('a hand: %s', async (_how, by, broken, anew) => {
  await onHost(by);
  expect(await open()).toEqual(expect.arrayContaining(broken.map((step) => `make ${step}`)));
  const started = await crioStart();
  expect(await made()).toEqual(expect.arrayContaining(broken));
  expect((await crioStart()) !== started).toBe(anew);
  expect(await open()).toEqual([]);
  await onHost(pulls());
});

test('a file that would have the last word is found, and left for its owner', async () => {
  const other = '/etc/containers/registries.conf.d/zz-hand.conf';
  await onHost(`printf '[[registry]]\\nprefix="ghcr.io"\\nlocation = "elsewhere.example"\\n' >${other}`);
  expect(await open()).toContain('wrong runtime/mirrors-last-word');
  const ended = await kept(landfall(place, 'apply', '--yes', '--no-proof'));
  expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining(other)]);
  // CRI-O has been told to read the folder anew, as something in it is newer than its start.
  await onHost(`rm ${other}`);
  await made();
  expect(await open()).toEqual([]);
});

test('a proxy in a pod of the control plane is found, and left for its owner', async () => {
  const manifest = '/etc/kubernetes/manifests/kube-scheduler.yaml';
  await onHost(`cp ${manifest} /root/kept
    sed -i 's#^    image: .*#    env: [{ name: HTTPS_PROXY, value: "http://proxy.example.com:3128" }]\\n&#' ${manifest}`);
  expect(await open()).toContain('wrong proxy/not-in-pods');
  await onHost(`cat /root/kept >${manifest}; rm /root/kept`);
  await made();
  expect(await open()).toEqual([]);
});

test('another password is found without a word of it, and reaches the runtime without a restart', async () => {
  password(SECOND);
  expect(await open()).toEqual(['make runtime/logins']);
  mirror.allowed = `puller:${SECOND}`;
  const started = await crioStart();
  expect(await made()).toEqual(['runtime/logins']);
  expect(await crioStart()).toBe(started);
  mirror.told.length = 0;
  await onHost(pulls());
  expect(mirror.told.some((line) => line.startsWith('200 /v2/k8s/coredns'))).toBe(true);
});

test('a reset needs no password, and takes all of it back', async () => {
  rmSync(join(place.dir, 'mirror.password'));
  await kept(well(place, 'reset', '--cluster', NAME, '--yes'));
  expect(differences(before, await snapshot(lab, HOST, false))).toEqual([]);
});

test('no password was in an argument, in what was told, in a record, or in a file that stays', async () => {
  const all = secrets();
  for (const secret of all.keys()) expect(foundIn(`x${secret}y`, all)).toHaveLength(1);
  expect(foundIn(await watch.end(), all)).toEqual([]);
  expect(said.length).toBeGreaterThan(20);
  expect(foundIn(said.join('\n'), all)).toEqual([]);
  expect(filesHolding(join(historyFolder(NAME), '..'), all)).toEqual([]);
  expect(filesHolding(place.dir, all)).toEqual([]);
  expect(filesHolding(await rootOf(lab, HOST), all)).toEqual([]);
});
