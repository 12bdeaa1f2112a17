import type { EtcdSettings } from '../model/etcd.ts';
import { ETCD_FILES } from './places.ts';

const AT = '/etc/kubernetes/pki/etcd';

/** The program that keeps etcd on one control plane: it writes it down, forgets old copies, and gives unused room back. @param name of the node. */
export function upkeepScript(name: string, { snapshots, defragment }: EtcdSettings): string {
  return [
    HEAD(name),
    snapshots.every === 'never' ? '' : snapshot(snapshots),
    defragment === 'never' ? '' : DEFRAGMENT,
  ].join('');
}

const HEAD = (name: string): string => `#!/bin/sh
# Written by Landfall: what etcd on ${name} needs from time to time. landfall-etcd.timer starts it; so may you.
set -eu
umask 077
export LC_ALL=C
own=${name}
etcd=$(crictl ps -q --state Running --label io.kubernetes.container.name=etcd | head -n 1)
if [ -z "$etcd" ]; then echo 'etcd does not run here'; exit 1; fi
ask() {
  timeout 300 crictl exec "$etcd" etcdctl --command-timeout=240s --endpoints=https://127.0.0.1:2379 \\
    --cacert=${AT}/ca.crt --cert=${AT}/healthcheck-client.crt --key=${AT}/healthcheck-client.key "$@"
}
`;

const snapshot = ({ keep, days }: EtcdSettings['snapshots']): string => `
# All that the container of etcd sees of the host's disk is its own folder.
new=/var/lib/etcd/landfall-snapshot.db
rm -f "$new" "$new.part"
ask snapshot save "$new" >/dev/null
# Behind the database etcd sends the sum of what it has sent.
sum=$(head -c -32 "$new" | sha256sum | cut -c 1-64)
if [ "$sum" != "$(tail -c 32 "$new" | od -An -tx1 -v | tr -d ' \\n')" ]; then
  echo 'the snapshot on the disk is not what etcd has sent'; exit 1
fi
at=${ETCD_FILES.snapshots}
mkdir -p "$at"
chmod 0700 "$at"
name=$(date -u +%Y-%m-%dT%H%M%SZ).db
cp "$new" "$at/.new"
sync "$at/.new"
mv "$at/.new" "$at/$name"
rm -f "$new"
echo "$at/$name: $(stat -c %s "$at/$name") bytes, sum right"

# The ${keep} newest stay, and the last one of each of ${days} days before them.
find "$at" -maxdepth 1 -name '[0-9]*.db' -printf '%f\\n' | sort -r | awk -v keep=${keep} -v days=${days} '
  { day = substr($0, 1, 10) }
  NR <= keep { seen[day] = 1; next }
  !(day in seen) && others < days { seen[day] = 1; others++; next }
  { print }' | while read -r old; do rm -f "$at/$old"; done
`;

const DEFRAGMENT = `
status=$(ask endpoint status -w fields)
value() { printf '%s\\n' "$status" | sed -n "s/^\\"$1\\" : *//p" | head -n 1; }
size=$(value DBSize)
used=$(value DBSizeInUse)
# Written anew only where most of it is room that nobody uses.
if [ "$((size - used))" -gt 104857600 ] && [ "$((size - used))" -gt "$used" ]; then
  # Meanwhile this member takes no part; so all others must.
  ask endpoint health --cluster >/dev/null
  other=$(ask member list | awk -F ', ' -v own="$own" '$2 == "started" && $3 != own && $6 == "false" { print $1; exit }')
  if [ -n "$other" ] && [ "$(value MemberID)" = "$(value Leader)" ]; then ask move-leader "$other"; fi
  ask defrag
  status=$(ask endpoint status -w fields)
  echo "the database took $size bytes and takes $(value DBSize)"
fi
`;

/** The service that runs it once. */
export const upkeepService = `# Written by Landfall.
[Unit]
Description=Write etcd down and give back the room it does not use

[Service]
Type=oneshot
ExecStart=${ETCD_FILES.upkeep}
Nice=10
IOSchedulingClass=idle
`;

/** The timer that starts it, in each hour or night at a time that is each host's own and stays. */
export function upkeepTimer({ snapshots }: EtcdSettings): string {
  return `# Written by Landfall.
[Unit]
Description=Keep etcd

[Timer]
OnCalendar=${snapshots.every === 'hourly' ? 'hourly' : '*-*-* 02:00:00'}
RandomizedDelaySec=50min
FixedRandomDelay=true
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}
