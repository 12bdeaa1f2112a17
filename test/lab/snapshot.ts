import type { Lab } from '../../src/lab/spec.ts';
import { wellOnHost } from './harness.ts';

/**
 * A host as it is, seen without Landfall: one line for each file that is anybody's decision (path, mode, owner, checksum),
 * each package with its version and whether it is held, each unit with its state, kernel settings, links, firewall chains,
 * and, when the cluster is up, each object with a checksum of what was decided in it.
 */
export type Snapshot = readonly string[];

/** What changes by itself on a living host and is nobody's decision. */
const RESTLESS = [
  '/var/log/*',
  '/var/cache/*',
  '/var/tmp/*',
  '/tmp/*',
  '/run/*',
  '/var/backups/*',
  '/var/lib/systemd/*',
  '/var/lib/apt/*',
  '/var/lib/dpkg/*',
  '/var/lib/private/*',
  '/var/lib/chrony/*',
  '/var/lib/etcd/*',
  '/var/lib/containers/*',
  '/var/lib/crio/*',
  '/var/lib/kubelet/*',
  '/var/lib/cni/*',
  '/var/lib/nfs/*',
  '/root/.ssh/*',
  '/root/.cache/*',
  '/root/.lesshst',
  '/etc/mtab',
  '/etc/ld.so.cache',
  '*.pyc',
];

const FILES = `
find / -xdev \\( -path /proc -o -path /sys -o -path /dev ${RESTLESS.map((p) => `-o -path '${p}'`).join(' ')} \\) -prune -o \\
  \\( -type f -o -type l \\) -printf '%p\\t%m\\t%u:%g\\t%l\\n' | LC_ALL=C sort >/tmp/.snapshot-files
cut -f1 /tmp/.snapshot-files | tr '\\n' '\\0' | xargs -0 -r sha256sum 2>/dev/null | awk '{ sum=$1; $1=""; print substr($0, 2) "\\t" sum }' >/tmp/.snapshot-sums
LC_ALL=C join -t "$(printf '\\t')" -a 1 /tmp/.snapshot-files <(LC_ALL=C sort /tmp/.snapshot-sums) | sed 's/^/file\\t/'
rm -f /tmp/.snapshot-files /tmp/.snapshot-sums`;

const PACKAGES = `dpkg-query -W -f 'package\\t\${Package}\\t\${Version}\\t\${Status}\\n'`;
const UNITS = `
systemctl list-unit-files --no-legend --plain | awk '{ print "unit\\t" $1 "\\t" $2 }' | grep -v -e '\\.mount' -e transient
systemctl list-units --all --no-legend --plain --type=service | awk '$3 != "inactive" { print "service\\t" $1 "\\t" $3 }' | grep -v -e landfall- -e 'ssh@' -e session -e user@ -e apt-daily -e logrotate -e dpkg-db -e man-db -e e2scrub -e systemd-tmpfiles -e fstrim`;
const KERNEL = `
for key in net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables; do printf 'sysctl\\t%s\\t%s\\n' "$key" "$(sysctl -n "$key" 2>/dev/null)"; done
ip -o link | awk -F': ' '{ sub(/@.*/, "", $2); print "link\\t" $2 }' | grep -v -e 'veth'
for t in iptables ip6tables; do command -v $t-save >/dev/null && $t-save 2>/dev/null | grep -c -e KUBE -e FLANNEL -e CNI | sed "s/^/firewall\\t$t\\t/"; done
command -v nft >/dev/null && nft list tables 2>/dev/null | sed 's/^/firewall\\t/'
true`;

const OBJECTS = `
export KUBECONFIG=/etc/kubernetes/admin.conf
if command -v kubectl >/dev/null && kubectl get --raw /readyz >/dev/null 2>&1; then
  kinds=$(kubectl api-resources --verbs=list -o name | grep -v -e '^events' -e '^leases' -e metrics -e endpointslices -e '^endpoints' -e componentstatuses -e certificatesigningrequests | paste -sd,)
  kubectl get "$kinds" -A -o jsonpath='{range .items[*]}{.kind}{"\\t"}{.metadata.namespace}/{.metadata.name}{"\\t"}{.metadata.uid}{"\\t"}{.metadata.generation}{"\\n"}{end}' | grep -v 'bootstrap-token-' | sed 's/^/object\\t/'
fi`;

/** Takes a snapshot. @param objects whether the cluster's objects are wanted too. */
export async function snapshot(lab: Lab, host: string, objects = true): Promise<Snapshot> {
  const text = await wellOnHost(
    lab,
    host,
    [FILES, PACKAGES, UNITS, KERNEL, objects ? OBJECTS : ''].join('\n'),
  );
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** The lines in which two snapshots differ, led by - (only before) and + (only after). */
export function differences(before: Snapshot, after: Snapshot): readonly string[] {
  const had = new Set(before);
  const has = new Set(after);
  return [
    ...before.filter((l) => !has.has(l)).map((l) => `- ${l}`),
    ...after.filter((l) => !had.has(l)).map((l) => `+ ${l}`),
  ];
}
