import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { historyFolder } from '../../src/run/history.ts';
import {
  cleared,
  type Desk,
  desk,
  events,
  freshLab,
  landfall,
  onHost,
  openSteps,
  put,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually } from './live.ts';

/*
 * One control plane and a worker: who they are is shown by certificates, which are granted, extended, renewed and insisted on. The
 * tests run in this order, on one lab.
 */

const NAME = 'test-certificates';
const HOSTS = ['cp-0', 'worker-0'] as const;

let lab: Lab;
let place: Desk;

const addressOf = (host: string): string => lab.hosts.find(({ name }) => name === host)?.address ?? '';
const kube = (words: string): Promise<string> =>
  wellOnHost(lab, 'cp-0', `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);

function describeCluster(more = ''): void {
  const nodes = HOSTS.map(
    (name) =>
      `  - { name: ${name}, role: ${name === 'cp-0' ? 'control-plane' : 'worker'}, address: ${addressOf(name)} }\n`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\n${more}nodes:\n${nodes.join('')}`,
  );
}

async function apply(...words: readonly string[]): Promise<readonly string[]> {
  const ended = events(await well(place, 'apply', '--yes', '--json', ...words));
  return ended.flatMap((e) =>
    e.is === 'step' && e.state === 'made' && !e.phase.startsWith('proof') && e.host !== 'here'
      ? [`${e.host} ${e.step}`]
      : [],
  );
}

/** Nothing is left to do, or will be when the timer has come by: every five minutes, for a kubelet that has asked once more. */
const settled = (): Promise<true> =>
  eventually(
    'an empty plan',
    async () => ((await openSteps(place)).length === 0 ? true : undefined),
    400_000,
  );

/** What answers at a port of a host, held against the cluster's authority and the host's address. */
const shown = (host: string, port: number): Promise<string> =>
  wellOnHost(
    lab,
    'cp-0',
    `openssl s_client -connect ${addressOf(host)}:${port} -CAfile /etc/kubernetes/pki/ca.crt -verify_ip ${addressOf(host)} </dev/null 2>/dev/null | grep -e 'Verify return code' | head -n 1`,
  );
const VERIFIED = expect.stringContaining('Verify return code: 0 (ok)') as string;

const insists = (): Promise<string> =>
  wellOnHost(
    lab,
    'cp-0',
    `tr '\\0' '\\n' <"/proc/$(pgrep -x kube-apiserver)/cmdline" | grep kubelet-certificate-authority || echo 'it does not'`,
  );

/** Reads a log on each node, the only way there is: by way of its kubelet. */
async function logsAreRead(): Promise<void> {
  const pods = (
    await kube(
      `-n kube-system get pods -l k8s-app=kube-proxy -o 'jsonpath={range .items[*]}{.metadata.name}{"\\n"}{end}'`,
    )
  )
    .trim()
    .split('\n');
  expect(pods.length).toBe(HOSTS.length);
  for (const pod of pods) expect(await kube(`-n kube-system logs --tail=1 ${pod}`)).toMatch(/\S/);
}

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  describeCluster();
  await apply();
});

afterAll(() => cleared(NAME, place));

test('what kubelets serve is signed by the cluster, which insists on it; and nothing is left to do', async () => {
  for (const host of HOSTS) expect([host, await shown(host, 10250)]).toEqual([host, VERIFIED]);
  expect(await insists()).toBe('--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt\n');
  await logsAreRead();
  expect((await onHost(lab, 'cp-0', 'ls /etc/kubernetes/super-admin.conf')).status).not.toBe(0);
  expect(await openSteps(place)).toEqual([]);
});

describe('a request for a certificate', () => {
  /** Asks as the worker's kubelet does, with its own credentials, for a certificate of these names. */
  const ask = (name: string, names: string): Promise<string> =>
    wellOnHost(
      lab,
      'worker-0',
      `openssl req -new -newkey rsa:2048 -nodes -keyout /run/asked.key -subj /O=system:nodes/CN=system:node:worker-0 -addext 'subjectAltName=${names}' -out /run/asked.csr 2>/dev/null
kubectl --kubeconfig /etc/kubernetes/kubelet.conf create -f - <<END
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: { name: ${name} }
spec:
  signerName: kubernetes.io/kubelet-serving
  usages: [digital signature, key encipherment, server auth]
  request: $(base64 -w0 /run/asked.csr)
END`,
    );
  const stateOf = (name: string): Promise<string> =>
    kube(`get csr ${name} -o 'jsonpath={.status.conditions[*].type}'`);

  test('is granted for the node’s own name and address, and for nothing else', async () => {
    const own = `DNS:worker-0,IP:${addressOf('worker-0')}`;
    await ask('planted-other', `DNS:worker-0,IP:${addressOf('cp-0')}`);
    await ask('planted-more', `${own},DNS:api.${NAME}.internal`);
    await ask('own', own);
    await wellOnHost(lab, 'cp-0', 'systemctl start landfall-approve.service');
    expect(await Promise.all(['planted-other', 'planted-more', 'own'].map(stateOf))).toEqual([
      '',
      '',
      'Approved',
    ]);
    const told = await wellOnHost(lab, 'cp-0', 'journalctl -u landfall-approve -o cat --no-pager');
    expect(told).toContain('planted-other of worker-0 is not granted: it names');
    // What is planted keeps nobody from a plan that is empty.
    expect(await openSteps(place)).toEqual([]);
    await kube('delete csr planted-other planted-more own');
  });

  test('cannot be prepared by a kubelet that gives its node another address', async () => {
    const ended = await onHost(
      lab,
      'worker-0',
      'kubectl --kubeconfig /etc/kubernetes/kubelet.conf label node worker-0 --overwrite node-restriction.kubernetes.io/landfall-address=10.9.9.9',
    );
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringMatching(/forbidden|not allowed/i)]);
  });

  test('comes by itself, and is granted by the timer between two applies', async () => {
    await wellOnHost(
      lab,
      'worker-0',
      'rm /var/lib/kubelet/pki/kubelet-server-*.pem; systemctl restart kubelet',
    );
    const isServed = async (): Promise<boolean> => (await shown('worker-0', 10250)).includes(' 0 (ok)');
    await eventually('kubelet to ask', async () =>
      (await kube('get csr')).includes('Pending') || (await isServed()) ? true : undefined,
    );
    expect(
      await wellOnHost(lab, 'cp-0', 'systemctl is-active landfall-approve.timer landfall-renew.timer'),
    ).toBe('active\nactive\n');
    await wellOnHost(lab, 'cp-0', 'systemctl start landfall-approve.service');
    await eventually('the certificate to be taken', async () => ((await isServed()) ? true : undefined));
    await settled();
  });
});

test('a name that is wished for later comes into the certificate of the API server, and into what kubeadm keeps', async () => {
  describeCluster('endpoint: { names: [kubernetes.example.com, 203.0.113.7] }\n');
  expect(await openSteps(place)).toEqual(expect.arrayContaining(['cp-0 control-plane/kubeadm-config']));
  expect(await apply('--no-proof')).toEqual([
    'cp-0 control-plane/kubeadm-config',
    'cp-0 control-plane/api-names',
    'cp-0 control-plane/kept-settings',
  ]);
  const names = await wellOnHost(
    lab,
    'cp-0',
    `openssl s_client -connect ${addressOf('cp-0')}:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName`,
  );
  for (const name of [
    'DNS:kubernetes.example.com',
    'IP Address:203.0.113.7',
    `DNS:api.${NAME}.internal`,
    `IP Address:${addressOf('cp-0')}`,
  ])
    expect(names).toContain(name);
  const kept = await kube("-n kube-system get configmap kubeadm-config -o 'jsonpath={.data}'");
  expect(kept).toContain('203.0.113.7');
  expect(await openSteps(place)).toEqual([]);
});

describe('certificates that end soon', () => {
  /** Has all certificates of the control plane end within the hour. */
  const age = (): Promise<string> =>
    wellOnHost(
      lab,
      'cp-0',
      `sed 's/^certificateValidityPeriod: .*/certificateValidityPeriod: 1h0m0s/' /etc/kubernetes/landfall/kubeadm.yaml >/run/short.yaml
kubeadm certs renew all --config /run/short.yaml >/dev/null`,
    );
  /** When what is shown at the API server's port ends, in days from now, and etcd's. */
  const left = (): Promise<readonly number[]> =>
    wellOnHost(
      lab,
      'cp-0',
      `for port in 6443 2379; do
  end=$(openssl s_client -connect ${addressOf('cp-0')}:$port </dev/null 2>/dev/null | openssl x509 -noout -enddate | cut -d = -f 2)
  echo $((($(date -d "$end" +%s) - $(date +%s)) / 86400))
done`,
    ).then((text) => text.trim().split('\n').map(Number));
  const started = (): Promise<string> =>
    wellOnHost(
      lab,
      'cp-0',
      'for name in etcd kube-apiserver kube-controller kube-scheduler; do pgrep -x "$name"; done | sort | paste -sd " "',
    );

  test('are renewed by apply, and read by all that use them', async () => {
    const before = await started();
    await age();
    expect(await openSteps(place)).toEqual(['cp-0 control-plane/certificates']);
    expect(await apply('--no-proof')).toEqual(['cp-0 control-plane/certificates']);
    expect(await left()).toEqual([364, 364]);
    expect((await started()).split(' ').filter((pid) => before.split(' ').includes(pid))).toEqual([]);
    expect(await openSteps(place)).toEqual([]);
  });

  test('are renewed by the timer’s program when nobody comes by', async () => {
    await age();
    const before = await started();
    await wellOnHost(lab, 'cp-0', 'systemctl start landfall-renew.service');
    expect(await left()).toEqual([364, 364]);
    expect((await started()).split(' ').filter((pid) => before.split(' ').includes(pid))).toEqual([]);
    await settled();
    await wellOnHost(lab, 'cp-0', 'systemctl start landfall-renew.service');
    expect(await wellOnHost(lab, 'cp-0', 'ls /etc/kubernetes/landfall')).not.toContain('renewing');
  });
});

test('a cluster made before all this gets it by one apply', async () => {
  await kube(
    `-n kube-system get configmap kubelet-config -o yaml | sed '/serverTLSBootstrap/d' | kubectl --kubeconfig /etc/kubernetes/admin.conf replace -f -`,
  );
  const undone =
    "sed -i '/serverTLSBootstrap/d' /var/lib/kubelet/config.yaml; rm -f /var/lib/kubelet/pki/kubelet-server-*; systemctl restart kubelet";
  for (const host of HOSTS) await wellOnHost(lab, host, undone);
  await kube('label nodes --all node-restriction.kubernetes.io/landfall-address-');
  await wellOnHost(
    lab,
    'cp-0',
    `systemctl disable --now landfall-approve.timer landfall-renew.timer 2>/dev/null
rm -f /etc/systemd/system/landfall-* /usr/local/sbin/landfall-*; systemctl daemon-reload
before=$(crictl ps -q --name '^kube-apiserver$')
sed -i '/kubelet-certificate-authority/d' /etc/kubernetes/manifests/kube-apiserver.yaml
for _ in $(seq 120); do
  now=$(crictl ps -q --name '^kube-apiserver$')
  if [ -n "$now" ] && [ "$now" != "$before" ] && kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz 2>/dev/null; then break; fi
  sleep 1
done`,
  );
  expect(await shown('worker-0', 10250)).not.toEqual(VERIFIED);
  expect(await insists()).toBe('it does not\n');
  const made = await apply();
  expect(made).toEqual(
    expect.arrayContaining([
      'cp-0 control-plane/kept-settings',
      'cp-0 control-plane/serving-settings',
      'cp-0 control-plane/serving',
      'worker-0 join/serving-settings',
      'cp-0 serving/granted',
      'cp-0 serving/insisted',
    ]),
  );
  for (const host of HOSTS) expect([host, await shown(host, 10250)]).toEqual([host, VERIFIED]);
  expect(await insists()).not.toBe('it does not\n');
  await logsAreRead();
  await settled();
});

test('all of it outlives a reboot', async () => {
  for (const host of HOSTS) await reboot(NAME, host);
  await settled();
  await logsAreRead();
  expect((await landfall(place, 'plan', '--exit-code')).status).toBe(0);
});
