import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authority } from '../../src/lab/depot/authority.ts';
import { DEPOT_NAMES } from '../../src/lab/depot/names.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { historyFolder } from '../../src/run/history.ts';
import { cleared, clusterYaml, type Desk, desk, events, freshLab, put, well, wellOnHost } from './harness.ts';
import { type Mirror, onlyBy, startMirror } from './mirror.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { filesHolding, rootOf, type Secrets } from './secrets.ts';
import { differences, type Snapshot, snapshot } from './snapshot.ts';

/*
 * What registries.test.ts asks of CRI-O, asked of containerd: its images come by a mirror that asks who pulls and shows a certificate of
 * its own authority, its packages by a proxy, and no other way leads anywhere. The tests run in their order.
 */

const NAME = 'test-containerd-outside';
const HOST = 'cp-0';
const FIRST = 'Sesame-open-0815-first';
const SECOND = 'Sesame "open" \\4711-second';
const CERTS = '/etc/containerd/certs.d';
const LOGINS = '/etc/containerd/conf.d/30-landfall-logins.toml';

const WISH = `runtime: containerd
registries:
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

let lab: Lab;
let place: Desk;
let mirror: Mirror;
let proxy: Proxy;
let before: Snapshot;

const onHost = (script: string): Promise<string> => wellOnHost(lab, HOST, script);
const password = (text: string): void => chmodSync(put(place, 'mirror.password', `${text}\n`), 0o600);
const started = (): Promise<string> => onHost('systemctl show -p ExecMainStartTimestampMonotonic containerd');

/** What plan says of the steps that are not as wanted: `FORECAST STEP`. */
async function open(): Promise<readonly string[]> {
  const plan = JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
  return plan.hosts.flatMap((h) =>
    h.findings.filter((f) => f.forecast !== 'right').map((f) => `${f.forecast} ${f.step}`),
  );
}

async function made(): Promise<readonly string[]> {
  const told = events(await well(place, 'apply', '--yes', '--json', '--no-proof'));
  return told.flatMap((e) => (e.is === 'step' && e.state === 'made' ? [e.step as string] : []));
}

/** Pulls an image afresh, by its upstream name. */
const PULLS = `image=$(crictl images | awk '$1 == "registry.k8s.io/coredns/coredns" { print $1 ":" $2 }' | head -n 1); [ -n "$image" ]; crictl pull "$image" >/dev/null`;

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
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
  before = await snapshot(lab, HOST, false);
});

afterAll(async () => {
  mirror.close();
  proxy.close();
  await cleared(NAME, place);
});

test('a cluster is made whose images come by the mirror alone, and whose packages by the proxy', async () => {
  password(FIRST);
  await well(place, 'apply', '--yes', '--no-proof');
  expect(await open()).toEqual([]);
  for (const image of ['k8s/kube-apiserver', 'k8s/pause', 'k8s/coredns', 'ghcr/flannel-io'])
    expect(mirror.told.filter((line) => line.startsWith(`200 /v2/${image}`))).not.toEqual([]);
  for (const way of ['CONNECT pkgs.k8s.io:443', 'CONNECT download.docker.com:443'])
    expect(proxy.told).toContain(way);
  expect(proxy.told.filter((line) => line.includes('mirror.example.com'))).toEqual([]);
  expect(
    await onHost(`stat -c '%a %U' ${LOGINS}; curl -s -m 5 https://registry.k8s.io/v2/ || echo nowhere`),
  ).toBe('600 root\nnowhere\n');
  expect(
    await onHost(
      `tr '\\0' '\\n' </proc/$(systemctl show -p MainPID --value containerd)/environ | grep ^HTTPS_PROXY`,
    ),
  ).toBe('HTTPS_PROXY=http://proxy.example.com:3128\n');
});

test.each([
  ['a mirror is gone', `rm -r ${CERTS}/ghcr.io`, 'runtime/mirrors', false],
  [
    'a mirror is another',
    `sed -i s/mirror.example/evil.example/ ${CERTS}/*/hosts.toml`,
    'runtime/mirrors',
    false,
  ],
  ['all may read the logins', `chmod 0644 ${LOGINS}`, 'runtime/logins', true],
  ['the logins are others', `sed -i s/puller/nobody/ ${LOGINS}`, 'runtime/logins', true],
  [
    'it goes by another proxy',
    'sed -i s/3128/3129/ /etc/systemd/system/containerd.service.d/landfall-proxy.conf',
    'proxy/runtime',
    true,
  ],
])('a hand: %s', async (_how, by, broken, anew) => {
  await onHost(by);
  expect(await open()).toContain(`make ${broken}`);
  const then = await started();
  expect(await made()).toContain(broken);
  expect((await started()) !== then).toBe(anew);
  expect(await open()).toEqual([]);
  await onHost(PULLS);
});

test('another password is found without a word of it, and holds at the next pull', async () => {
  password(SECOND);
  expect(await open()).toEqual(['make runtime/logins']);
  mirror.allowed = `puller:${SECOND}`;
  await made();
  mirror.told.length = 0;
  await onHost(PULLS);
  expect(mirror.told.some((line) => line.startsWith('200 /v2/k8s/coredns'))).toBe(true);
});

test('a reset takes all of it back, and no password is anywhere', async () => {
  await well(place, 'reset', '--cluster', NAME, '--yes');
  expect(differences(before, await snapshot(lab, HOST, false))).toEqual([]);
  const all: Secrets = new Map([FIRST, SECOND].map((text) => [text, text]));
  expect(filesHolding(join(historyFolder(NAME), '..'), all)).toEqual([]);
  expect(filesHolding(await rootOf(lab, HOST), all)).toEqual([]);
});
