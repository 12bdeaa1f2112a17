import { type Shell, sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { timer } from './kinds/timer.ts';
import { apiPort, kubectl, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES, WISHED } from './places.ts';
import type { Clue, Probe, Step } from './step.ts';

const CERTS = 'https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/';

/** The programs of the control plane, in the order they are started anew. */
const PARTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

const askEnds = sh`timeout 20 kubeadm certs check-expiration --config ${FILES.kubeadm} -o json 2>/dev/null`;

/** What kubeadm says of the ends of all certificates of the control plane. */
const ends: Probe = { name: 'certificate_ends', run: askEnds };

/**
 * A filter of what kubeadm says: prints what ends within `days`, or is missing; fails when kubeadm has not said anything.
 * @param whose the certificates, or the authorities that have signed them.
 */
function endsWithin(whose: 'leaf' | 'authority', days: Shell): Shell {
  return sh`awk -v days=${days} -v authorities=${whose === 'authority' ? 1 : 0} '
      /"name":/ { split($0, p, "\""); name = p[4] }
      /"residualTime":/ { gsub(/[^0-9-]/, ""); left[name] = int($0 / 86400); seen = 1 }
      /"missing": true/ { gone[name] = 1 } END {
        if (!seen) { print "kubeadm does not say"; exit 1 }
        for (name in left) {
          if ((name ~ /^(ca|etcd-ca|front-proxy-ca)$/) != authorities) continue
          if (name in gone) { if (name != "super-admin.conf") print name ": missing" }
          else if (left[name] < days) print name ": ends within " days " days"
        }
      }' | sort`;
}

/**
 * Renews all certificates, then has everything started anew that has read the old ones. A mark stays while it is not at its end.
 * Whether the API server is back is for others to see.
 */
const renew = sh`
  : >${WISHED.renewing}
  sync ${WISHED.renewing}
  kubeadm certs renew all --config ${FILES.kubeadm}
  find /etc/kubernetes -type f -exec sync {} +
  for part in ${PARTS}; do
    for id in $(crictl ps -q --name "^$part\$"); do crictl stop --timeout 30 "$id" >/dev/null || :; done
  done
  rm -f ${WISHED.renewing}`;

const CLUES: readonly Clue[] = [
  {
    match: /: (ends within \d+ days|missing)$/,
    means: 'certificates of the control plane have run out, will soon, or are missing',
    try: 'kubeadm certs check-expiration shows which, and kubeadm certs renew all --config /etc/kubernetes/landfall/kubeadm.yaml says why it cannot make them anew',
    diagnosis: 'H67',
  },
];

/** No certificate of the control plane on the node asked is about to end. */
export function leafCertificates({ cluster }: Scene, about: Pick<Step, 'id' | 'after'>): Step {
  const days = sh`${cluster.certificates.renewBefore}`;
  const none = `none ends within ${cluster.certificates.renewBefore} days`;
  return {
    ...about,
    title: 'Have certificates that stay valid',
    why: 'The certificates of a control plane are made in one minute and end in one minute, and the whole control plane stops with them. They are renewed long before, by the authorities that are there, and what has read the old ones is started anew: on one control plane at a time.',
    see: [CERTS],
    disturbs: 'service',
    probes: [ends],
    read: sh`
      if [ -e ${WISHED.renewing} ]; then echo 'renewed, and not yet read by all that use them'
      else probe certificate_ends | ${endsWithin('leaf', days)} | grep . || echo ${none}; fi`,
    want: none,
    make: renew,
    undo: sh`rm -f ${WISHED.renewing}`,
    clues: CLUES,
  };
}

/** The authorities outlive what is planned; which is told while there is time to plan. */
export function authorities({ cluster }: Scene): readonly Step[] {
  const notice = cluster.certificates.authorityNotice;
  if (notice === 0) return [];
  const none = `none ends within ${notice} days`;
  return [
    check(
      {
        id: 'workloads/authorities',
        title: 'Have authorities that outlive your plans',
        why: 'Whatever an authority has signed ends with it, and no program exchanges one under a living cluster: new ones are brought to every node and into every kubeconfig beside the old, then the old are taken away. That is planned for months.',
        see: ['https://kubernetes.io/docs/tasks/tls/manual-rotation-of-ca-certificates/'],
        after: ['control-plane/kubeadm-config', 'control-plane/init'],
        probes: [ends],
        clues: [
          {
            match: /ca: ends within/,
            means: 'an authority of the cluster ends soon, and everything it has signed with it',
            try: 'plan its exchange, or a new cluster; certificates: { authorityNotice: 0 } in cluster.yaml when that is in hand',
          },
        ],
      },
      {
        read: sh`probe certificate_ends | ${endsWithin('authority', sh`${notice}`)} | grep . || echo ${none}`,
        want: none,
      },
    ),
  ];
}

/** Half hours after midnight at which a node looks; numbered names follow one another. */
function slotOf(name: string): number {
  return [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 48;
}

/** Renewing goes on when nobody runs Landfall for a year. */
export function renewal(scene: Scene, about: Pick<Step, 'id' | 'after'>): Step {
  const { cluster, node } = scene;
  const { renewal: keeper } = cluster.certificates;
  const slot = slotOf(node.name);
  const at = `${String(Math.floor(slot / 2)).padStart(2, '0')}:${slot % 2 === 0 ? '00' : '30'}`;
  return timer(
    {
      ...about,
      title:
        keeper === 'timer'
          ? 'Renew certificates when nobody comes by'
          : 'Leave it to apply to renew certificates',
      why: 'A cluster that works is left alone, and a year later all its certificates end. So each control plane looks once a day, at an hour of its own, and renews what ends soon; it waits for another day while another control plane is not well, as long as there are days left.',
      see: [CERTS, 'man 5 systemd.timer'],
    },
    {
      unit: 'landfall-renew',
      does: 'Renew the certificates of the control plane before they end',
      program: {
        path: WISHED.renew,
        content: renewalText(scene),
      },
      ...(keeper === 'timer'
        ? { when: [`OnCalendar=*-*-* ${at}:00`, 'RandomizedDelaySec=25min', 'FixedRandomDelay=true'] }
        : {}),
    },
  );
}

/** The program's text. */
export function renewalText(scene: Scene): string {
  return `${PROGRAM_HEAD}# Renews this control plane's certificates when one of them ends soon, and has everything read what is new.
${program(scene).text}
`;
}

/** How each program of Landfall's on a host begins. */
export const PROGRAM_HEAD = `#!/bin/sh
# Written by Landfall.
set -eu
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
cd /

`;

function program(scene: Scene): Shell {
  const { renewBefore } = scene.cluster.certificates;
  const own = nodeAddress(scene.node, scene.facts);
  const port = apiPort(scene.cluster);
  const ready = sh`curl -fs -o /dev/null -m 5 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt`;
  const path = '{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}';
  return sh`
    soon() { ${askEnds} | ${endsWithin('leaf', sh`"$1"`)}; }

    ending=$(soon ${renewBefore})
    if [ ! -e ${WISHED.renewing} ]; then
      case $ending in
        '') exit ;;
        'kubeadm does not say') echo "$ending"; exit 1 ;;
      esac
    fi
    printf '%s\n' "$ending"
    if [ -e /run/landfall/lock ] && ! flock -n /run/landfall/lock true; then echo 'Landfall is at work here: another day'; exit; fi
    if [ -z "$(soon 7)" ]; then
      # What is started anew here must not be missed: not by etcd, which counts its votes.
      for other in $(${kubectl(scene)} get nodes -l node-role.kubernetes.io/control-plane -o jsonpath=${path}); do
        [ "$other" = ${own} ] || ${ready} "https://$other:"${port}/readyz || { echo "the control plane at $other is not ready: another day"; exit; }
      done
    fi
    ${renew}
    tries=0
    until ${ready} ${`https://${own}:${port}/readyz`}; do
      tries=$((tries + 1))
      if [ "$tries" -ge 240 ]; then echo 'renewed, and the API server is not back after four minutes'; exit 1; fi
      sleep 1
    done
    echo renewed`;
}
