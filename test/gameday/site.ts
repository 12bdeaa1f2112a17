import { breakLab } from '../../src/lab/break.ts';
import { labDown } from '../../src/lab/down.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Finding, Plan } from '../../src/plan/plan.ts';
import {
  type Desk,
  desk,
  type Ended,
  freshLab,
  landfall,
  nothingLeft,
  onHost,
  put,
  said,
  well,
  wellOnHost,
} from '../lab/harness.ts';
import { eventually } from '../lab/live.ts';

/** The hosts of a game day: a cluster of five, and one host more that comes and goes. */
export const PLANES = ['cp-0', 'cp-1', 'cp-2'] as const;
export const WORKERS = ['worker-0', 'worker-1'] as const;
export const SPARE = 'worker-2';
export const HOSTS = [...PLANES, ...WORKERS, SPARE] as const;

/** A real cluster of three control planes and two workers in a lab, and what is asked of it. */
export interface Site {
  readonly lab: Lab;
  readonly place: Desk;
  /** The virtual address. */
  readonly address: string;
  readonly addressOf: (host: string) => string;
  /** kubectl on the first control plane that answers. */
  readonly kube: (words: string) => Promise<string>;
}

/** Makes the lab and the cluster, or leaves nothing. @param name of both. */
export async function makeSite(name: string): Promise<Site> {
  try {
    return await made(name);
  } catch (e) {
    await labDown(name, () => undefined).catch(() => undefined);
    throw e;
  }
}

async function made(name: string): Promise<Site> {
  const lab = await freshLab(name, HOSTS);
  const place = desk();
  const addressOf = (host: string): string => lab.hosts.find((one) => one.name === host)?.address ?? '';
  const address = addressOf('cp-0').replace(/\.\d+$/, '.200');
  const node = (host: string): string =>
    `  - { name: ${host}, role: ${host.startsWith('cp') ? 'control-plane' : 'worker'}, address: ${addressOf(host)} }\n`;
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${name}\nkubernetes: "1.36"\nlab: ${name}\nendpoint: { virtualIP: ${address} }\nnodes:\n${[...PLANES, ...WORKERS].map(node).join('')}`,
  );
  await well(place, 'apply', '--yes');
  return { lab, place, address, addressOf, kube: (words) => kubectl(lab, words) };
}

/** Takes all of it down again. */
export async function clearSite({ lab }: Site): Promise<void> {
  await labDown(lab.name, () => undefined);
}

async function kubectl(lab: Lab, words: string): Promise<string> {
  for (const host of PLANES) {
    const ask = `timeout 20 kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`;
    const ended = await onHost(lab, host, ask).catch(() => undefined);
    if (ended?.status === 0) return ended.stdout;
  }
  throw new Error(`no control plane answers: kubectl ${words}`);
}

/** What a plan says is open, `HOST STEP`. */
export async function open({ place }: Site): Promise<readonly string[]> {
  const ended = await landfall(place, 'plan', '--json');
  if (ended.status !== 0) return [`plan ended with ${said(ended)}`];
  const kinds: readonly Finding['forecast'][] = ['make', 'unknown', 'wrong'];
  return (JSON.parse(ended.stdout) as Plan).hosts.flatMap(({ host, findings }) =>
    findings.filter((f) => kinds.includes(f.forecast)).map((f) => `${host} ${f.step}`),
  );
}

const isNothingLeft = ({ place }: Site): Promise<boolean> =>
  nothingLeft(place).then(
    () => true,
    () => false,
  );

/** Every fault gone and every host up, one apply, and a plan that is empty. Gives how often apply was needed. @throws when it does not come to that. */
export async function mended(site: Site): Promise<number> {
  await breakLab(site.lab.name, { is: 'heal' });
  let ended: Ended | undefined;
  for (let tries = 1; tries <= 3; tries++) {
    ended = await landfall(site.place, 'apply', '--yes', '--no-proof');
    if (ended.status === 0 && (await isNothingLeft(site))) return tries;
  }
  throw new Error(`three applies after a fault do not end it\n${ended && said(ended)}\n${await open(site)}`);
}

const ETCD = '/etc/kubernetes/pki/etcd';
const MEMBERS = `crictl exec $(crictl ps -q --state Running --label io.kubernetes.container.name=etcd | head -n 1) etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${ETCD}/ca.crt --cert=${ETCD}/healthcheck-client.crt --key=${ETCD}/healthcheck-client.key member list | awk -F ', ' '$6 == "false" { print $3 }' | sort`;

/** The names of etcd's voting members, as the first control plane that answers has them. */
export async function voters({ lab }: Site): Promise<readonly string[]> {
  return eventually(
    'a control plane that knows the members of etcd',
    async () => {
      for (const host of PLANES) {
        const { stdout } = await onHost(lab, host, MEMBERS).catch(() => ({ stdout: '' }));
        if (stdout !== '') return stdout.trim().split('\n');
      }
      return undefined;
    },
    180_000,
  );
}

/** Something done on a host by hand. */
export const byHand = ({ lab }: Site, host: string, script: string): Promise<string> =>
  wellOnHost(lab, host, script);
