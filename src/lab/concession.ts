import type { Machine } from './machine.ts';
import type { HostKind } from './kind.ts';
import { UBUNTU } from './ubuntu.ts';

/** One way in which a lab host differs from a real server, and the files in its image that make it so. */
export interface Concession {
  /** Stable name, as `/etc/landfall-lab` on the host shows it. */
  readonly id: string;
  /** What was conceded, one line. */
  readonly text: string;
  readonly files: readonly ImageFile[];
  /** Files of packages that unpack under another name, so that one of `files` can stand in their place. */
  readonly diversions?: readonly { readonly from: string; readonly to: string }[];
  /** What is run in the image once all files lie there, each by a shell in it. */
  readonly commands?: readonly string[];
}

/** A file laid into the host's image. */
export interface ImageFile {
  readonly path: string;
  readonly text: string;
  readonly mode?: number;
}

/** What of the machine the concessions depend on. */
export type ConcessionFacts = Pick<Machine, 'cgroup' | 'missingCapabilities'>;

/** Capabilities that hosts never have: what they guard belongs to the whole machine. */
export const WITHHELD = ['CAP_SYS_TIME'] as const;

/**
 * The concessions this machine and this kind of host ask for. With cgroup v2 and all capabilities only those remain that come from hosts
 * sharing one kernel: its identity, its clock and its swap.
 */
export function concessions(machine: ConcessionFacts, kind: HostKind): readonly Concession[] {
  return [
    {
      id: 'identity',
      text: 'product_uuid, product_serial, uptime and the kernel’s log are the machine’s, the same on every host',
      files: [],
    },
    {
      id: 'clock',
      text: 'no CAP_SYS_TIME, the clock is the machine’s; chronyd runs with -x',
      files: [{ path: '/etc/systemd/system/chrony.service.d/99-lab.conf', text: CHRONY }],
    },
    {
      id: 'swap',
      text: 'the machine’s swap is hidden: /proc/swaps is an empty list of the host’s own, until it is unmounted',
      files: [],
    },
    {
      id: 'disk',
      text: 'the disk is a file on the machine’s, shared by all hosts; how fast it writes is judged mildly',
      files: [],
    },
    runtimeConcession(machine.missingCapabilities),
    ...(machine.cgroup === 'v1' ? CGROUP_V1 : []),
    ...(kind.like === 'ubuntu' ? UBUNTU : []),
  ];
}

/** What `/etc/landfall-lab` says: one concession a line. */
export function markerFile(list: readonly Concession[]): string {
  return list.map(({ id, text }) => `${id}: ${text}\n`).join('');
}

// Without the empty ConditionCapability= the unit is skipped, and `systemctl start` still says 0.
const CHRONY = `[Unit]
ConditionCapability=
[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd $DAEMON_OPTS -x
`;

const CGROUP_V1: readonly Concession[] = [
  {
    id: 'cgroup-v1',
    text: 'kubelet runs with --fail-cgroupv1=false',
    files: [
      {
        path: '/etc/systemd/system/kubelet.service.d/99-lab.conf',
        text: `[Service]
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS --fail-cgroupv1=false
`,
      },
    ],
  },
  {
    id: 'cgroup-v1',
    text: 'kubeadm init, join and upgrade run with --ignore-preflight-errors=SystemVerification',
    diversions: [{ from: '/usr/bin/kubeadm', to: '/usr/bin/kubeadm.real' }],
    files: [{ path: '/usr/bin/kubeadm', mode: 0o755, text: kubeadmShim() }],
  },
  {
    id: 'cgroup-v1',
    text: 'scopes get 5 s to stop: systemd is never told that a container’s scope is empty',
    files: [{ path: '/etc/systemd/system/scope.d/10-lab.conf', text: '[Scope]\nTimeoutStopSec=5s\n' }],
  },
  {
    id: 'cgroup-v1',
    text: 'user@.service is masked: the end of a user manager is never noticed, and the next login would wait 2 min for it',
    files: [{ path: '/etc/systemd/system/user@.service', text: '' }],
  },
];

// `kubeadm init phase certs` knows no --ignore-preflight-errors: only the whole commands and their preflight phase do.
function kubeadmShim(): string {
  return `#!/bin/sh
# A lab's stand-in for kubeadm: this machine has cgroup v1, which kubeadm's SystemVerification refuses since 1.35.
real=/usr/bin/kubeadm.real
if ! [ -x "$real" ]; then echo "kubeadm: not installed" >&2; exit 127; fi
case "$1 $2 $3" in
  "init phase preflight" | "join phase preflight") ;;
  "init phase "* | "join phase "*) exec "$real" "$@" ;;
  "upgrade apply phase" | "upgrade node phase") [ "$4" = preflight ] || exec "$real" "$@" ;;
  "init "* | "join "* | "upgrade apply "* | "upgrade node "* | "upgrade plan "*) ;;
  *) exec "$real" "$@" ;;
esac
exec "$real" "$@" --ignore-preflight-errors=SystemVerification
`;
}

/** crun's stand-in: takes out of a container's configuration what no process on this machine may have or do. */
function runtimeConcession(missing: readonly string[]): Concession {
  const lacks = missing.includes('CAP_SYS_RESOURCE');
  const names = [...new Set([...WITHHELD, ...missing])].map((name) => name.replace(/^CAP_/, '')).join('|');
  const score = 's/"oomScoreAdj": *-[0-9]+/"oomScoreAdj":0/g; ';
  return {
    id: lacks ? 'oom-score' : 'capabilities',
    text: lacks
      ? 'crun is wrapped: no negative oom_score_adj, and no capability the host lacks for privileged pods'
      : 'crun is wrapped: no capability the host lacks for privileged pods',
    diversions: [{ from: '/usr/libexec/crio/crun', to: '/usr/libexec/crio/crun.real' }],
    files: [
      {
        path: '/usr/libexec/crio/crun',
        mode: 0o755,
        text: `#!/bin/sh
# A lab's stand-in for crun: asks for nothing that processes on this machine cannot be given.
real=/usr/libexec/crio/crun.real
fix() { sed -i -E '${lacks ? score : ''}s/"CAP_(${names})"/"CAP_CHOWN"/g' "$1"; }
before=
for word in "$@"; do
  case $before in
    --bundle | -b) fix "$word/config.json" ;;
    --process | -p) fix "$word" ;;
  esac
  case $word in --bundle=*) fix "\${word#--bundle=}/config.json" ;; --process=*) fix "\${word#--process=}" ;; esac
  before=$word
done
exec "$real" "$@"
`,
      },
      ...(lacks
        ? [
            {
              path: '/etc/containerd/conf.d/99-lab.toml',
              text: 'version = 3\n\n[plugins."io.containerd.cri.v1.runtime"]\n  restrict_oom_score_adj = true\n',
            },
          ]
        : []),
    ],
  };
}
