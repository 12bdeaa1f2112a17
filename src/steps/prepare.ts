import { controlPlanes } from '../model/cluster.ts';
import { PINNED_PACKAGES } from '../model/lock.ts';
import { isIPv4 } from '../model/network.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { APT_CLUES, DISK_CLUES } from './clues.ts';
import { draft, file, inPlace } from './kinds/file.ts';
import { APT, patient } from './kinds/packages.ts';
import { removeFolders, restoreSettings } from './leftovers.ts';
import { nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { ACTS, BEFORE, FILES, FOLDERS, NOTES, OWN, SETTINGS, SSH_NOTE, SSH_STATE } from './places.ts';
import type { Step } from './step.ts';

/** What comes before every change: what the host was like is noted, whose it is is marked, and what was cut short is finished. */
export function beginSteps(scene: Scene): readonly Step[] {
  return [note(), mark(scene), finishedPackages()];
}

/** What is set right about the host itself before anything of Kubernetes is installed. */
export function prepareSteps(scene: Scene): readonly Step[] {
  return endpointName(scene);
}

function note(): Step {
  const draftFolder = `${OWN}/.before`;
  return {
    id: 'prepare/note',
    title: 'Note what the host is like',
    why: 'To take everything back one day, one must know what was there before: which packages, which files, which settings. It is written down once, before the first change, and never again.',
    read: sh`if [ -d ${BEFORE} ]; then echo noted; else echo 'not noted'; fi`,
    want: 'noted',
    make: sh`
      rm -rf ${draftFolder}
      mkdir -p ${OWN}
      chmod 0700 ${OWN}
      mkdir ${draftFolder}
      if [ -e ${FILES.owner} ] || [ -e ${FILES.kubeadm} ]; then
        echo 'the notes were lost, and how the host was before cannot be seen any more: reset will leave packages and folders'
      else
        for path in ${Object.values(FILES)}; do
          # What an earlier part of the list has written is no state of before.
          if [ -e "$path" ] && ! head -n 1 "$path" | grep -q '^[#/]* Written by Landfall'; then
            mkdir -p ${draftFolder}"$(dirname "$path")"
            cp -a "$path" ${draftFolder}"$path"
          fi
        done
        for path in ${FOLDERS}; do if [ -e "$path" ]; then echo "$path"; fi; done >${draftFolder}/folders
        dpkg-query -W -f ${'${Package}\\n'} | sort -u >${draftFolder}/packages
        cut -d ' ' -f 1 /proc/modules 2>/dev/null | sort >${draftFolder}/modules
        hostname >${draftFolder}/hostname
        sysctl -e ${SETTINGS} >${draftFolder}/sysctls 2>/dev/null || :
        # Emptied by a power cut, the notes would say that nothing was there before, and reset would believe them.
        find ${draftFolder} -exec sync {} +
      fi
      mv -T ${draftFolder} ${BEFORE}`,
    undo: sh`
      ${removeFolders(FOLDERS)}
      ${restoreSettings}
      systemctl daemon-reload
      if dpkg-query -W -f ${'${Package}\\n'} ${PINNED_PACKAGES} 2>/dev/null | grep -qvxFf ${NOTES.packages} 2>/dev/null; then
        echo 'packages are left; the notes are kept for another try'; exit 1
      fi
      if [ -e ${ACTS.purged} ]; then echo 'packages are still missing; the notes are kept for another try'; exit 1; fi
      if [ -e ${SSH_NOTE} ]; then
        echo 'sshd is not back on its old port; the notes are kept for another try'; exit 1
      fi
      rm -rf ${SSH_STATE} ${OWN}`,
    clues: DISK_CLUES,
  };
}

/** Sets `$owner` to the name of the cluster that began this host; kubeadm's file stands in when the mark was lost. */
export const owner = sh`owner=$(cat ${FILES.owner} 2>/dev/null || sed -n 's/^clusterName: //p' ${FILES.kubeadm} 2>/dev/null)`;

function mark({ cluster }: Scene): Step {
  return {
    ...file(
      {
        id: 'prepare/owner',
        title: `Mark the host as one of ${cluster.name}'s`,
        why: 'Landfall ends what it has begun, and touches nothing it did not begin. This file is how it tells the two apart, and two clusters from each other.',
        clues: DISK_CLUES,
      },
      { path: FILES.owner, content: `${cluster.name}\n` },
    ),
    undo: sh`
      rm -f ${FILES.owner} ${draft(FILES.owner)}
      rmdir /etc/kubernetes/landfall 2>/dev/null || :`,
  };
}

function finishedPackages(): Step {
  return {
    id: 'prepare/dpkg',
    title: 'Finish installations that were cut short',
    why: 'A power cut in the middle of an installation leaves packages half set up, and every later installation stops at them.',
    see: ['man 1 dpkg'],
    read: sh`{ dpkg --audit; find /var/lib/dpkg/updates -name '[0-9]*'; } | head -n 20 | grep . || echo 'all finished'`,
    want: 'all finished',
    make: sh`
      ( ${patient(sh`dpkg --configure --pending --force-confdef --force-confold`)} ) || echo 'trying with apt'
      # What was only half unpacked must be unpacked again.
      if [ -n "$(dpkg --audit)" ]; then ( ${patient(sh`${APT} --fix-broken install`)} ); fi`,
    clues: APT_CLUES,
  };
}

/** The name under which the API server is known, when nobody else keeps it: a line in /etc/hosts. */
function endpointName({ cluster, node, facts, hosts }: Scene): readonly Step[] {
  const { host, port, kept, virtual } = cluster.endpoint;
  const first = controlPlanes(cluster)[0];
  if (!kept || isIPv4(host) || first === undefined) return [];
  const own =
    node.role === 'control-plane' ? nodeAddress(node, facts) : nodeAddress(first, hosts[first.name]);
  const address = virtual?.address ?? own;
  const line = endpointLine(host, address);
  // A control plane’s own programs do not go by the name; it may be the very host that is yet to bring the address about.
  return [
    node.role === 'control-plane'
      ? line
      : { ...line, make: lines(awaited(address, port), line.make ?? sh`:`) },
  ];
}

/**
 * Waits, where a kubelet goes by the name already, until somebody answers at the address it is to lead to: control planes may just be
 * bringing that about. When a minute was not enough the name is right all the same, and what is wrong with the address shows elsewhere.
 */
const awaited = (address: string, port: number): Shell => sh`
  tries=0
  while [ -s /etc/kubernetes/kubelet.conf ] && [ "$tries" -lt 60 ] && ! timeout 1 bash -c ': </dev/tcp/$0/$1' ${address} ${port} 2>/dev/null; do
    tries=$((tries + 1)); sleep 1
  done`;

/** What a line of /etc/hosts ends with that Landfall keeps for the endpoint. */
export const KEPT_LINE = '# kept by Landfall';

/** The step of {@link endpointName}, for one file of names. */
export function endpointLine(host: string, address: string, path: string = FILES.hosts): Step {
  const others = sh`awk '!/ # kept by Landfall$/' ${path}`;
  return {
    id: 'prepare/endpoint-name',
    title: 'Give the API server a name',
    why: `Certificates and kubeconfigs say ${host}, not the address of a machine. So the control plane can grow, move or hide behind a load balancer later without a single one of them being made anew.`,
    see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-init/', 'man 5 hosts'],
    read: sh`
      awk -v name=${host} '{ sub(/#.*/, "") } { for (i = 2; i <= NF; i++) if ($i == name) { print $1, name; found = 1; break } }
        END { if (!found) print "absent" }' ${path} 2>/dev/null || echo absent`,
    want: `${address} ${host}`,
    make: sh`
      if [ -e ${path} ]; then cp -p ${path} ${draft(path)}; else : >${draft(path)}; fi
      { ${others} 2>/dev/null || :; echo ${`${address} ${host} ${KEPT_LINE}`}; } >${draft(path)}
      ${inPlace(path)}`,
    undo: sh`
      rm -f ${draft(path)}
      if grep -q ' # kept by Landfall$' ${path} 2>/dev/null; then
        cp -p ${path} ${draft(path)}
        ${others} >${draft(path)}
        ${inPlace(path)}
      fi`,
    writes: [path],
    clues: [
      {
        match: new RegExp(`^(?!${literal(address)} )[0-9a-f.:]+ ${literal(host)}$`),
        means: `another line of ${path} gives this name another address`,
        try: `remove that line from ${path}; on a cloud image also from /etc/cloud/templates/hosts.*, which writes it anew at each boot`,
      },
      ...DISK_CLUES,
    ],
  };
}

/** A text as a regular expression that matches it and nothing else. */
function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
