import { type Shell, sh } from '../shell/sh.ts';
import { API_CLUES, DISK_CLUES } from './clues.ts';
import { apiReady } from './control-plane.ts';
import { container, localEtcdctl, MANIFEST_FOLDER, PARTS } from './etcd-local.ts';
import { KUBELET_CLUES } from './init-clues.ts';
import { check } from './kinds/check.ts';
import { asked, kubectl, nodeAddress, nodesProbe, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { RECOVERY } from './places.ts';
import { begun, kept, type Recovering, RECOVERING, restored, stamp } from './recover-data.ts';
import type { Clue, Step } from './step.ts';

/** One member out of what this host has, up to an API server that is ready. */
export function recoverSteps(scene: Scene, recovering: Recovering): readonly Step[] {
  return [
    begun(),
    stoppedStep(scene),
    kept(),
    restored(scene, recovering),
    manifests(scene),
    alone(scene),
    apiReady(scene, { id: 'recover/api-ready', after: ['recover/etcd'] }),
  ];
}

/** Once the cluster answers again, and the others are cleared: it knows nothing of them any more. */
export function recoverEndSteps(scene: Scene, { others }: Recovering): readonly Step[] {
  return [...(others.length === 0 ? [] : [noNodes(scene, others)]), closed()];
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
      umask 077
      mkdir -p ${RECOVERY.manifests}
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

/** With it, etcd joins whom it knows or does not start: without data it never begins a cluster. With data it is not looked at. */
const EXISTING = '--initial-cluster-state=existing';

function manifests({ node, facts }: Scene): Step {
  const flag = `--initial-cluster=${node.name}=https://${nodeAddress(node, facts)}:2380`;
  const aside = RECOVERY.manifests;
  return {
    id: 'recover/manifests',
    title: 'Start etcd and the control plane again',
    why: 'etcd’s file names the members a join has found; now it names this one alone, so that no upgrade takes the old ones for real. It says besides that the cluster exists: an etcd that is started without its data one day stays down then, and does not begin an empty one. kubelet starts anew with it, and so waits no minutes before what had failed again and again.',
    see: ['https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/'],
    disturbs: 'service',
    read: sh`
      cd ${MANIFEST_FOLDER} 2>/dev/null || cd /
      sed -n 's/^ *- \(--initial-cluster\(-state\)\{0,1\}=.*\)$/\1/p' etcd.yaml 2>/dev/null
      for part in ${PARTS}; do if ! [ -e "$part".yaml ]; then echo "$part is aside"; fi; done
      systemctl show -p ActiveState kubelet`,
    want: `${flag}\n${EXISTING}\nActiveState=active`,
    make: sh`
      systemctl stop kubelet
      for part in ${PARTS}; do
        if [ -e ${aside}/"$part".yaml ]; then cp -p ${aside}/"$part".yaml ${MANIFEST_FOLDER}/."$part"; fi
      done
      if [ -e ${MANIFEST_FOLDER}/.etcd ]; then
        sed -e '/^ *- --initial-cluster-state=/d' -e ${`s#^\\( *- \\)--initial-cluster=.*#\\1${flag}\\n\\1${EXISTING}#`} ${aside}/etcd.yaml >${MANIFEST_FOLDER}/.etcd
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
      if [ "$(probe recover_answers)" != answered ]; then echo ${SILENT}
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
