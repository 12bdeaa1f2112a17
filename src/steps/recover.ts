import { type Shell, sh } from '../shell/sh.ts';
import { API_CLUES, DISK_CLUES } from './clues.ts';
import { apiReady } from './control-plane.ts';
import { container, findEtcdutl, localEtcdctl, MANIFEST_FOLDER, PARTS } from './etcd-local.ts';
import { KUBELET_CLUES } from './init-clues.ts';
import { check } from './kinds/check.ts';
import { draft, inPlace } from './kinds/file.ts';
import { asked, kubectl, nodeAddress, nodesProbe } from './node.ts';
import type { Scene } from './phase.ts';
import { OWN, RECOVERY } from './places.ts';
import type { Clue, Step } from './step.ts';

/** How etcd is begun anew. */
export interface Recovering {
  /** A snapshot on the host, in place of what its etcd has. */
  readonly snapshot?: string;
  /** The other control planes: none of them is a member any more. */
  readonly others: readonly string[];
}

const RECOVERING = 'https://etcd.io/docs/latest/op-guide/recovery/';

/** Where etcd keeps everything. */
const DATA = '/var/lib/etcd';

/** Where the data etcd had go: `/var/lib/etcd/kept-20261126T094206Z`. */
export const KEPT = `${DATA}/kept-`;

/** By how much revisions are raised: more than a cluster writes in the weeks a snapshot may be old. */
const BUMP = 1_000_000_000;

/** Sets `$stamp` to the recovery's own, empty when none is under way, and `$kept` to where the old data go. */
const stamp = sh`
  stamp=$(cat ${RECOVERY.begun} 2>/dev/null) || :
  kept=${KEPT}$stamp`;

/** What must be so before anything is touched, then one member out of what this host has, up to an API server that is ready. */
export function recoverSteps(scene: Scene, recovering: Recovering): readonly Step[] {
  const { snapshot } = recovering;
  return [
    tool(),
    ...(snapshot === undefined ? [] : [whole(snapshot)]),
    room(snapshot),
    begun(),
    stoppedStep(scene),
    kept(),
    restored(scene, snapshot),
    manifests(scene),
    alone(scene),
    apiReady(scene, { id: 'recover/api-ready', after: ['recover/etcd'] }),
  ];
}

/** Once the cluster answers again, and the others are cleared: it knows nothing of them any more. */
export function recoverEndSteps(scene: Scene, { others }: Recovering): readonly Step[] {
  return [...(others.length === 0 ? [] : [noNodes(scene, others)]), closed()];
}

function tool(): Step {
  return check(
    {
      id: 'recover/tool',
      title: 'Have the program that makes a new member out of old data',
      why: 'etcdutl writes a new member with a new identity around the old data, so that nobody of the old cluster can mistake it for one of its own. It must be of the same minor as etcd, and comes with its image.',
      see: [RECOVERING],
      clues: [
        {
          match: /^no etcdutl of /,
          means: 'the image of this etcd has no etcdutl with it, or is not on this host any more',
          try: 'put the etcdutl of that minor, from https://github.com/etcd-io/etcd/releases, at /usr/local/bin/etcdutl on this host, then landfall recover',
        },
        {
          match: /^no manifest says/,
          means: 'this host has lost the file by which kubelet runs etcd',
          try: 'put /etc/kubernetes/manifests/etcd.yaml back from a backup, or take another control plane: landfall recover --from',
        },
      ],
    },
    {
      read: sh`
        ${findEtcdutl}
        if [ -z "$minor" ]; then echo 'no manifest says which etcd runs here'
        elif [ -z "$etcdutl" ]; then echo "no etcdutl of $minor"
        else echo 'at hand'; fi`,
      want: 'at hand',
    },
  );
}

/** A snapshot ends with the sum of what is before it. */
function whole(snapshot: string): Step {
  return check(
    {
      id: 'recover/snapshot',
      title: 'Have a snapshot that is whole',
      why: 'etcd appends a checksum to what it saves. A snapshot that was cut short or changed on its way is found now, while nothing has been touched.',
      see: [RECOVERING],
      clues: [
        {
          match: /^(there is no|not whole)/,
          means: 'the file is not there on this host, or is no snapshot as etcdctl snapshot save writes it',
          try: 'copy it to the host anew and compare its sha256sum; a copy of member/snap/db alone has no checksum and is not taken',
        },
      ],
    },
    {
      read: sh`
        ${findEtcdutl}
        if ! [ -s ${snapshot} ]; then echo ${`there is no ${snapshot}`}
        elif [ "$(head -c -32 ${snapshot} | sha256sum | cut -c 1-64)" != "$(tail -c 32 ${snapshot} | od -An -v -tx1 | tr -d ' \n')" ]; then echo 'not whole: its checksum differs'
        elif ! timeout 120 "\${etcdutl:-etcdutl}" snapshot status ${snapshot} >/dev/null 2>&1; then echo 'not whole: etcdutl cannot read it'
        else echo whole; fi`,
      want: 'whole',
    },
  );
}

function room(snapshot: string | undefined): Step {
  const source = snapshot === undefined ? sh`"$db"` : sh`${snapshot}`;
  return check(
    {
      id: 'recover/room',
      title: 'Have room for the data a second time',
      why: 'The old data stay as they are, and the new member has a copy. A disk that fills in the middle would leave neither.',
      see: ['https://etcd.io/docs/latest/op-guide/hardware/'],
      clues: [
        {
          match: /^too little room/,
          means: 'the disk that holds /var/lib/etcd has no room for one more copy of the data',
          try: 'df -h /var/lib/etcd; remove what fills it (old kept-* folders there, images, logs), or give it more',
          diagnosis: 'H89',
        },
      ],
    },
    {
      read: sh`
        ${stamp}
        db=$(ls -d "$kept"/member/snap/db ${DATA}/member/snap/db 2>/dev/null | head -n 1)
        size=$(stat -c %s ${source} 2>/dev/null || echo 0)
        free=$(df -PB1 ${DATA} | awk 'NR == 2 { print $4 }')
        if [ -n "$stamp" ] && [ -d "$kept" ] && [ -d ${DATA}/member ]; then echo enough
        elif [ "$free" -gt $((size + size / 4 + 134217728)) ]; then echo enough
        else echo "too little room: $((free / 1048576)) MiB free, $(((size + size / 4) / 1048576 + 128)) MiB needed"; fi`,
      want: 'enough',
    },
  );
}

function begun(): Step {
  return {
    id: 'recover/begun',
    title: 'Note that a recovery has begun here',
    why: 'From here on this host is the one the cluster is made of. Cut short anywhere, the same command sees the note and goes on from where it stopped, on this host and on no other.',
    see: [RECOVERING],
    read: sh`if [ -s ${RECOVERY.begun} ]; then echo noted; else echo 'not noted'; fi`,
    want: 'noted',
    make: sh`
      mkdir -p -m 0700 ${OWN} ${RECOVERY.folder}
      date -u +%Y%m%dT%H%M%SZ >${draft(RECOVERY.begun)}
      ${inPlace(RECOVERY.begun)}`,
    clues: DISK_CLUES,
  };
}

/** On every host that has a part in it: nothing of the old control plane runs. Its files are aside, and none is changed. */
export function stoppedStep({ node }: Scene): Step {
  const { name } = node;
  const running = container(sh`"$part"`, name);
  return {
    id: 'recover/stopped',
    title: 'Stop etcd and the control plane on this host',
    why: 'Data may be taken only from an etcd that has ended and written everything down. The API server and the controllers end with it: what they hold in memory is of a cluster that is about to be another. Pods go on.',
    see: ['https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/'],
    disturbs: 'service',
    within: 120,
    awaits: 'etcd and the control plane to end',
    read: sh`
      ${stamp}
      if [ -n "$stamp" ] && [ -d "$kept" ]; then echo stopped
      elif ! timeout 20 crictl version >/dev/null 2>&1; then echo 'the container runtime does not answer'
      else
        found=$(
          for part in ${PARTS}; do
            if [ -e ${MANIFEST_FOLDER}/"$part".yaml ]; then echo "$part has its manifest"
            elif [ -n "$(${running})" ]; then echo "$part runs"; fi
          done
        )
        echo "\${found:-stopped}"
      fi`,
    want: 'stopped',
    make: sh`
      mkdir -p -m 0700 ${OWN} ${RECOVERY.folder} ${RECOVERY.manifests}
      for part in ${PARTS}; do
        if [ -e ${MANIFEST_FOLDER}/"$part".yaml ]; then
          cp -p ${MANIFEST_FOLDER}/"$part".yaml ${RECOVERY.manifests}/."$part"
          sync ${RECOVERY.manifests}/."$part"
          mv -fT ${RECOVERY.manifests}/."$part" ${RECOVERY.manifests}/"$part".yaml
          rm -f ${MANIFEST_FOLDER}/"$part".yaml
        fi
      done
      # kubelet ends them too, when it is well itself.
      for part in ${PARTS}; do
        id=$(${running})
        if [ -n "$id" ]; then timeout 60 crictl stop --timeout 30 "$id" || :; fi
      done`,
    clues: [
      {
        match: /^the container runtime does not answer/,
        means: 'what runs on this host cannot be seen, so it cannot be known to have ended',
        try: 'systemctl restart crio on this host, then landfall recover',
      },
      ...DISK_CLUES,
    ],
  };
}

function kept(): Step {
  return {
    id: 'recover/kept',
    title: 'Keep the data etcd had',
    why: 'Whatever comes of the recovery, the data it is made from stay on the disk as they were, beside the new ones. Nothing removes them but you, or a reset of the host.',
    see: [RECOVERING],
    disturbs: 'data',
    read: sh`
      ${stamp}
      if [ -n "$stamp" ] && [ -d "$kept" ]; then echo kept; else echo 'not kept'; fi`,
    want: 'kept',
    make: sh`
      ${stamp}
      if [ -z "$stamp" ]; then echo 'no recovery is under way here'; exit 1; fi
      mkdir -p -m 0700 "$kept.part"
      if [ -d ${DATA}/member ]; then mv -T ${DATA}/member "$kept.part/member"; fi
      sync -f ${DATA}
      # What is in place under this name is the old data, whole; what is called member from now on is the new.
      mv -T "$kept.part" "$kept"
      echo "the data etcd had are in $kept"`,
    clues: DISK_CLUES,
  };
}

function restored(scene: Scene, snapshot: string | undefined): Step {
  const { node, facts } = scene;
  const peer = `https://${nodeAddress(node, facts)}:2380`;
  const from = snapshot === undefined ? sh`--skip-hash-check "$kept"/member/snap/db` : sh`${snapshot}`;
  const fresh = `${DATA}/fresh`;
  return {
    id: 'recover/data',
    title: snapshot === undefined ? 'Make one member out of the data' : 'Make one member out of the snapshot',
    why: 'The new member has every object there was, under its old UID, and is all of its cluster: it decides alone. The cluster’s identity is new, so what is left of the old one can never join it. Revisions are raised by a thousand million and marked as compacted, so that whoever watches lists everything anew and never sees time go back.',
    see: [RECOVERING],
    disturbs: 'data',
    read: sh`
      ${stamp}
      if [ -n "$stamp" ] && [ -d "$kept" ] && [ -d ${DATA}/member ]; then echo 'one member'; else echo 'no member yet'; fi`,
    want: 'one member',
    make: sh`
      ${stamp}
      ${findEtcdutl}
      if [ -z "$stamp" ] || ! [ -d "$kept" ]; then echo 'the old data are not kept yet'; exit 1; fi
      rm -rf ${fresh}
      "$etcdutl" snapshot restore ${from} --data-dir ${fresh} --name ${node.name} --initial-cluster ${`${node.name}=${peer}`} --initial-advertise-peer-urls ${peer} --initial-cluster-token landfall-"$stamp" --bump-revision ${BUMP} --mark-compacted
      chmod 0700 ${[fresh, `${fresh}/member`]}
      sync -f ${DATA}
      # Older than every join that follows, younger than every one before.
      date -u +%FT%TZ >${draft(RECOVERY.done)}
      ${inPlace(RECOVERY.done)}
      mv -T ${fresh}/member ${DATA}/member
      rm -rf ${fresh}`,
    clues: [
      {
        match: /invalid database|page .* (already freed|invalid)|integrity check failed|file size too small|no such file or directory/,
        means: 'the data on this host are damaged, or not there',
        try: 'another control plane’s data: landfall recover --from; or a snapshot: landfall recover --snapshot. What was here is kept in /var/lib/etcd/kept-*',
        diagnosis: 'H81',
      },
      ...DISK_CLUES,
    ],
  };
}

function manifests({ node, facts }: Scene): Step {
  const flag = `--initial-cluster=${node.name}=https://${nodeAddress(node, facts)}:2380`;
  const aside = RECOVERY.manifests;
  return {
    id: 'recover/manifests',
    title: 'Start etcd and the control plane again',
    why: 'etcd’s file names the members a join has found; now it is as kubeadm writes it for a first one, so that no upgrade takes the old ones for real. kubelet starts anew with it, and so waits no minutes before what had failed again and again.',
    see: ['https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/'],
    disturbs: 'service',
    read: sh`
      cd ${MANIFEST_FOLDER} 2>/dev/null || cd /
      sed -n 's/^ *- \(--initial-cluster\(-state\)\{0,1\}=.*\)$/\1/p' etcd.yaml 2>/dev/null
      for part in ${PARTS}; do if ! [ -e "$part".yaml ]; then echo "$part is aside"; fi; done
      systemctl show -p ActiveState kubelet`,
    want: `${flag}\nActiveState=active`,
    make: sh`
      systemctl stop kubelet
      for part in ${PARTS}; do
        if [ -e ${aside}/"$part".yaml ]; then cp -p ${aside}/"$part".yaml ${MANIFEST_FOLDER}/."$part"; fi
      done
      if [ -e ${MANIFEST_FOLDER}/.etcd ]; then
        sed -e '/^ *- --initial-cluster-state=/d' -e ${`s#^\\( *- \\)--initial-cluster=.*#\\1${flag}#`} ${aside}/etcd.yaml >${MANIFEST_FOLDER}/.etcd
      fi
      for part in ${PARTS}; do
        if [ -e ${MANIFEST_FOLDER}/."$part" ]; then
          sync ${MANIFEST_FOLDER}/."$part"
          mv -fT ${MANIFEST_FOLDER}/."$part" ${MANIFEST_FOLDER}/"$part".yaml
        fi
      done
      systemctl start kubelet`,
    clues: [...KUBELET_CLUES, ...DISK_CLUES],
  };
}

function alone({ node }: Scene): Step {
  return check(
    {
      id: 'recover/etcd',
      title: 'Have an etcd that decides alone',
      why: 'Asked for its members it answers only when it can decide: with one member, and with that one’s vote.',
      see: [RECOVERING],
      after: ['recover/manifests'],
      within: 180,
      awaits: 'etcd',
      clues: ETCD_CLUES,
    },
    {
      read: sh`
        ${localEtcdctl(node.name)} member list 2>/dev/null | awk -F ', ' '{ print $3, $2, ($6 == "false" ? "votes" : "learns") }' | sort | grep . || echo 'etcd does not answer'`,
      want: `${node.name} started votes`,
    },
  );
}

const ETCD_CLUES: readonly Clue[] = [
  {
    match: /^etcd does not answer/,
    means: 'etcd does not start on the new data, or stops again',
    try: 'crictl logs "$(crictl ps -aq --name etcd | head -n 1)" on this host says why; landfall recover goes on from here',
  },
  ...KUBELET_CLUES,
];

function noNodes(scene: Scene, others: readonly string[]): Step {
  const kube = kubectl(scene);
  const known: Shell = sh`probe nodes | cut -d '|' -f 1 | grep -xF ${others.flatMap((name) => ['-e', name])}`;
  return {
    id: 'recover/no-nodes',
    title: 'Have no nodes in the cluster whose hosts are no members any more',
    why: 'The data are of a moment at which these nodes were there. With each go its pods, which are started elsewhere, and the marks a new host of that name must not inherit.',
    see: ['https://kubernetes.io/docs/concepts/architecture/nodes/'],
    after: ['recover/api-ready'],
    within: 60,
    awaits: 'the nodes to be gone',
    probes: [nodesProbe(scene), asked(scene, 'recover_answers', sh`echo answered`)],
    read: sh`
      if [ "$(probe recover_answers)" != answered ]; then echo 'the API server does not answer'
      else ${known} || echo none; fi`,
    want: 'none',
    make: sh`${kube} delete node ${others} --ignore-not-found --wait=false`,
    clues: API_CLUES,
  };
}

function closed(): Step {
  return {
    id: 'recover/closed',
    title: 'Note that the recovery has come to its end',
    why: 'As long as the note is there, landfall recover goes on with it instead of asking whether anything is lost.',
    see: [RECOVERING],
    after: ['recover/api-ready'],
    read: sh`if [ -e ${RECOVERY.folder} ]; then echo 'under way'; else echo none; fi`,
    want: 'none',
    make: sh`rm -rf ${RECOVERY.folder}`,
  };
}
