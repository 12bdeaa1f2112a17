import { isFirstControlPlane } from '../model/cluster.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { API_CLUES, DISK_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { draft, inPlace } from './kinds/file.ts';
import { apiProbe, kubectl, namespacesProbe, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { ETCD_MANIFEST, FILES } from './places.ts';
import { DATA } from './recover-data.ts';
import type { Clue, Step, StepId } from './step.ts';

/*
 * An etcd that kubeadm has made as the first one begins anew, empty, when it is started and finds no data: a disk that was not mounted is
 * enough. The API server above it is ready, and knows of nothing. The UID of kube-system tells such a cluster from the one it was: it is
 * made once, with the cluster, and a snapshot brings it back.
 */

const OWN = 'its own, or none yet';

/** What a reading says of an etcd that has begun anew. */
export const ANEW = 'etcd has begun anew, empty';

/** What is to be done about it. */
export const ANEW_CLUES: readonly Clue[] = [
  {
    match: /etcd has begun anew/,
    means:
      'etcd was started without its data: their disk was not mounted, or they were removed. It has made an empty cluster in the place of yours',
    try: 'when the data are still somewhere: systemctl stop kubelet, end its etcd (crictl stop), put them back to /var/lib/etcd and start kubelet; otherwise landfall recover --snapshot FILE, with a snapshot that lies on this host',
    diagnosis: 'H81',
  },
];

/** What a reading says of an etcd that has none. */
const NONE = 'the data of etcd are not there';

/** Sets `$known` to the UID the host has a note of, to nothing when it has none. */
const noteRead = sh`known=$(cat ${FILES.clusterUid} 2>/dev/null) || :`;

/** Sets `$uid` to the UID of kube-system as the overview of the cluster has it. */
const uidSeen = sh`uid=$(probe namespaces | sed -n 's/^kube-system|[^|]*|//p')`;

/** Whether both are known, and are of two clusters. */
const isAnother = sh`[ -n "$known" ] && [ -n "$uid" ] && [ "$uid" != "$known" ]`;

/** On a control plane, before anything is made: etcd has its data, and on the first one those the cluster was made with. */
export function sameData(scene: Scene): readonly Step[] {
  if (scene.node.role !== 'control-plane') return [];
  const isFirst = isFirstControlPlane(scene.cluster, scene.node);
  const anew = sh`
    ${noteRead}
    ${uidSeen}
    if [ -n "$known" ] && [ -z "$uid" ] && [ "$(probe api)" = ok ]; then ${askUid(scene)}; fi
    if ${isAnother}; then echo ${ANEW}": kube-system is $uid, and was $known"
    else echo ${OWN}; fi`;
  return [
    check(
      {
        id: 'preflight/same-data',
        title: 'Find the data this cluster has had',
        why: 'An etcd that finds no data where its own should be begins a new cluster without a word, and all looks well: an API server that is ready, and knows of nothing. Whatever is made in there then makes it harder to have the old one back. So each control plane has a note of which one it was.',
        see: ['https://etcd.io/docs/latest/op-guide/clustering/'],
        probes: isFirst ? [apiProbe(scene), namespacesProbe(scene)] : [],
        clues: [
          {
            match: /^the data of etcd are not there/,
            means:
              'this control plane was a member of etcd, and has nothing of what etcd writes down: their disk is not mounted, or they were removed',
            try: `when the disk is only not mounted: mount it, and restart kubelet; while the other control planes hold a majority: landfall node replace ${scene.node.name}; when all of them have lost their data: landfall recover --snapshot FILE`,
            diagnosis: 'H81',
          },
          ...ANEW_CLUES,
        ],
      },
      {
        // etcd that refuses to start without data leaves an empty file of them, but no log.
        read: sh`
          if [ -e ${FILES.initialised} ] && [ -e ${ETCD_MANIFEST} ] && ! ls ${DATA}/member/wal/*.wal >/dev/null 2>&1; then echo ${NONE}
          else
            ${isFirst ? anew : sh`echo ${OWN}`}
          fi`,
        want: OWN,
      },
    ),
  ];
}

/** On every control plane, once its API server is ready: the note. Any of them may be the first one some day. @param up when that is. */
export function noted(scene: Scene, up: StepId): Step {
  const kube = kubectl(scene);
  return {
    id: 'etcd/identity',
    title: 'Note on the host which cluster this is',
    why: 'The name of a cluster says nothing about its data. The UID of kube-system does: it is made once, lives as long as the data live, and comes back with a snapshot of them. Noted outside of etcd, it tells an etcd that has lost everything from one that is new.',
    see: ['https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids'],
    after: [up, 'preflight/same-data'],
    probes: [namespacesProbe(scene)],
    read: sh`
      ${uidSeen}
      if [ -z "$uid" ]; then echo ${SILENT}
      elif [ "$uid" = "$(cat ${FILES.clusterUid} 2>/dev/null)" ]; then echo noted
      else echo 'not noted'; fi`,
    want: 'noted',
    make: sh`
      ${refuseAnew(scene)}
      uid=$(${kube} get namespace kube-system -o ${'jsonpath={.metadata.uid}'})
      mkdir -p ${FILES.clusterUid.slice(0, FILES.clusterUid.lastIndexOf('/'))}
      echo "$uid" >${draft(FILES.clusterUid)}
      ${inPlace(FILES.clusterUid)}`,
    writes: [FILES.clusterUid],
    clues: [...ANEW_CLUES, ...API_CLUES, ...DISK_CLUES],
  };
}

/**
 * Sets `$uid` to the UID of kube-system; to nothing when nobody answers. It is asked as the controllers ask: their rights are part of every
 * API server, while those of admin.conf are an object, and gone with the others.
 */
function askUid(scene: Scene): Shell {
  return sh`uid=$(${kubectl(scene)} --kubeconfig=/etc/kubernetes/controller-manager.conf get namespace kube-system -o ${'jsonpath={.metadata.uid}'} 2>/dev/null) || uid=`;
}

/** Sets `$anew` to `yes` where the API server has other data than the host has a note of; else, or where either says nothing, to nothing. */
export function findAnew(scene: Scene): Shell {
  return sh`
    anew=
    ${noteRead}
    ${askUid(scene)}
    if ${isAnother}; then anew=yes; fi`;
}

/** Goes on only where that is not so. */
export function refuseAnew(scene: Scene): Shell {
  return sh`
    ${findAnew(scene)}
    if [ -n "$anew" ]; then echo ${`${ANEW}: nothing is made in it`}; exit 1; fi`;
}
