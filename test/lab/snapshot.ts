import { createHash } from 'node:crypto';
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
  '/var/lib/containerd/*',
  '/var/lib/crio/*',
  '/var/lib/kubelet/*',
  '/var/lib/cni/*',
  '/var/lib/nfs/*',
  '/var/lib/ucf/*',
  '/root/.ssh/*',
  '/root/.cache/*',
  '/root/.lesshst',
  '/etc/mtab',
  // What useradd and ucf keep of their own files before they change them.
  '/etc/passwd-',
  '/etc/shadow-',
  '/etc/group-',
  '/etc/gshadow-',
  '/var/lib/ucf/*.[0-9]',
  '/etc/ld.so.cache',
  '*.pyc',
];

const FIND = `find / -xdev \\( -path /proc -o -path /sys -o -path /dev ${RESTLESS.map((p) => `-o -path '${p}'`).join(' ')} \\) -prune -o \\
  \\( -type f -o -type l \\)`;

/**
 * As git does, a file that was not touched since its checksum was taken is not read again. The checksum is a CRC: nobody means harm here,
 * and it takes a twentieth of the time.
 */
const FILES = `
known=/tmp/.snapshot-known
touch "$known"
${FIND} -printf '%p\\t%m\\t%u:%g\\t%l\\t%i.%s.%C@\\n' | LC_ALL=C sort >/tmp/.snapshot-files
awk -F '\\t' -v known="$known" 'FILENAME == known { sum[$1 FS $2]; next } !(($1 FS $5) in sum) { print $1 }' "$known" /tmp/.snapshot-files |
  tr '\\n' '\\0' | xargs -0 -r cksum 2>/dev/null | awk '{ sum = $1 "." $2; $1 = $2 = ""; print substr($0, 3) "\\t" sum }' >/tmp/.snapshot-sums
awk -F '\\t' -v known="$known" '
  FILENAME == known { sum[$1 FS $2] = $3; next }
  FILENAME ~ /sums$/ { fresh[$1] = $2; next }
  { s = $1 in fresh ? fresh[$1] : sum[$1 FS $5]
    print "file" FS $1 FS $2 FS $3 FS $4 FS s
    print $1 FS $5 FS s >(known ".new") }' "$known" /tmp/.snapshot-sums /tmp/.snapshot-files
mv "$known.new" "$known"
rm -f /tmp/.snapshot-files /tmp/.snapshot-sums`;

const PACKAGES = `dpkg-query -W -f 'package\\t\${Package}\\t\${Version}\\t\${Status}\\n'`;
// A kubelet without its settings is started again and again: now it is active, now it is about to be.
const UNITS = `
systemctl list-unit-files --no-legend --plain | awk '{ print "unit\\t" $1 "\\t" $2 }' | grep -v -e '\\.mount' -e transient
systemctl list-units --all --no-legend --plain --type=service | awk '$3 != "inactive" { sub(/^activating$/, "active", $3); print "service\\t" $1 "\\t" $3 }' | grep -v -e landfall- -e 'ssh@' -e session -e user@ -e user-runtime-dir@ -e apt-daily -e logrotate -e dpkg-db -e man-db -e e2scrub -e systemd-tmpfiles -e fstrim`;
const KERNEL = `
sysctl -a -r '^net\\.(ipv4\\.(ip_forward$|conf\\.(all|default)\\.)|ipv6\\.conf\\.(all|default)\\.|bridge\\.)' 2>/dev/null | sed 's/^/sysctl\\t/'
ip -o link | awk -F': ' '{ sub(/@.*/, "", $2); print "link\\t" $2 }' | grep -v -e 'veth'
for t in iptables ip6tables; do command -v $t-save >/dev/null && $t-save 2>/dev/null | grep -c -e KUBE -e FLANNEL -e CNI | sed "s/^/firewall\\t$t\\t/"; done
command -v nft >/dev/null && nft list tables 2>/dev/null | sed 's/^/firewall\\t/'
true`;

const OBJECTS = `
export KUBECONFIG=/etc/kubernetes/admin.conf
cache=$(mktemp -d)
if command -v kubectl >/dev/null && kubectl --cache-dir="$cache" get --raw /readyz >/dev/null 2>&1; then
  # A proof ends with its pods; the API server takes the rest of the namespace away in its own time.
  kubectl --cache-dir="$cache" wait --for=delete namespace/landfall-proof --timeout=60s >/dev/null
  kinds=$(kubectl --cache-dir="$cache" api-resources --verbs=list -o name | grep -v -e '^events' -e '^leases' -e '^leasecandidates' -e metrics -e endpointslices -e '^endpoints' -e componentstatuses -e certificatesigningrequests | paste -sd,)
  echo === objects
  kubectl --cache-dir="$cache" get "$kinds" -A -o json
fi
rm -rf "$cache"`;

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
}

/** A line each object: what was decided in it, as a checksum; not how it is at the moment, nor how often it was touched. */
function objectLines(list: string): readonly string[] {
  const { items } = JSON.parse(list) as { items: readonly KubernetesObject[] };
  return items
    .filter((o) => !o.metadata.name.startsWith('bootstrap-token-'))
    .map((o) => {
      const decided = JSON.stringify(o, (key, value: unknown) =>
        // A bootstrap token that has run out takes its signature along.
        /^(status|managedFields|resourceVersion|jws-kubeconfig-.*)$/.test(key) ? undefined : value,
      );
      const { name, namespace = '', uid } = o.metadata;
      const sum = createHash('sha256').update(decided).digest('hex').slice(0, 16);
      return ['object', o.kind, `${namespace}/${name}`, uid, sum].join('\t');
    });
}

/** Takes a snapshot. @param objects whether the cluster's objects are wanted too. */
export async function snapshot(lab: Lab, host: string, objects = true): Promise<Snapshot> {
  const text = await wellOnHost(
    lab,
    host,
    [FILES, PACKAGES, UNITS, KERNEL, objects ? OBJECTS : ''].join('\n'),
  );
  const [things = '', list] = text.split('=== objects\n');
  return [
    ...things.split('\n').filter((line) => line !== ''),
    ...(list === undefined ? [] : objectLines(list)),
  ].sort();
}

/** Shell that tells what only comes and goes with a cluster, and no snapshot of files looks into: folders, mounts, processes. */
export const LEFT = `
for path in /etc/kubernetes /etc/cni /etc/crio /opt/cni /var/lib/etcd /var/lib/kubelet /var/lib/cni /var/lib/containers /var/lib/containerd \\
  /var/lib/crio /var/log/pods /var/log/containers /run/flannel /run/crio /run/containerd /run/containers /opt/containerd /var/lib/landfall /run/landfall-kubectl; do
  if [ -e "$path" ]; then echo "$path"; fi
done
ls /run/landfall/runs 2>/dev/null || :
mount | grep -e kubelet -e containers -e containerd -e netns || :
ls /run/netns 2>/dev/null || :
ps -eo comm= | grep -e kube -e crio -e conmon -e containerd -e etcd -e flanneld -e coredns || :
apt-mark showhold
true`;

/**
 * When each file was last touched and each service last started: what tells apart leaving a thing alone from making it
 * once more as it was.
 */
export async function stamps(lab: Lab, host: string): Promise<Snapshot> {
  const script = `
${FIND} -printf 'touched\\t%p\\t%C@\\n'
systemctl list-units --plain --no-legend --type=service --state=running | cut -d ' ' -f 1 | grep -v -e landfall- -e 'ssh@' -e session -e user@ |
  while read -r unit; do echo "started	$unit	$(systemctl show -p ExecMainStartTimestampMonotonic --value "$unit")"; done`;
  return (await wellOnHost(lab, host, script))
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
