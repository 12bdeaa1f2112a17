import { joiningControlPlanes } from '../model/cluster.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { apiNames } from './api-certificate.ts';
import { apiReady, configSteps, kubeadmFile, kubelet } from './control-plane.ts';
import { isJoined } from './endpoint-names.ts';
import { endpointServers, isMoving } from './endpoint-servers.ts';
import { votingStep } from './etcd-members.ts';
import { MANIFESTS, PAIRS, takeBack } from './init.ts';
import { BOOTSTRAP, endJoin, JOIN, nodeStep, runJoin, synced } from './join.ts';
import { JOIN_CLUES } from './join-clues.ts';
import { standing, standingKnown } from './join-standing.ts';
import { ticketSlot } from './join-ticket.ts';
import { CONFIGS } from './key-files.ts';
import { leafCertificates, renewal } from './leaf-certificates.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { owner } from './prepare.ts';
import { ownServingSteps, ownRequestSteps } from './serving.ts';
import type { Step } from './step.ts';
import { heldSteps } from './virtual-address.ts';

/** On a host that is to be one more control plane: it is a member, its parts are up, and etcd has given it a vote. */
export function joinControlPlaneSteps(scene: Scene): readonly Step[] {
  if (!joiningControlPlanes(scene.cluster).some(({ name }) => name === scene.node.name)) return [];
  return [
    ...heldSteps(scene),
    ...(isJoined(scene) ? [] : [kubeadmFile(scene)]),
    ...configSteps(scene),
    standingKnown(scene),
    member(scene),
    leafCertificates(scene, {
      id: 'join/certificates',
      after: ['control-plane/kubeadm-config', 'join/member'],
    }),
    ...(isJoined(scene)
      ? []
      : [apiNames(scene, { id: 'join/api-names', after: ['control-plane/kubeadm-config', 'join/member'] })]),
    kubelet({
      id: 'join/kubelet',
      after: ['join/member'],
      why: 'kubelet starts every pod of the node, the control plane among them, and starts again what has stopped. Pods go on without it, so its absence shows only when the next one is needed, or when the node is called lost.',
    }),
    apiReady(scene, { id: 'join/api-ready', after: ['join/member'] }),
    nodeStep(scene),
    ...(isMoving(scene) ? [] : endpointServers(scene)),
    ...ownRequestSteps(scene, 'join'),
    ...ownServingSteps(scene, 'join'),
    votingStep(scene),
    renewal(scene, { id: 'join/renewal', after: ['join/member'] }),
  ];
}

/** What lies on a host that has become a control plane by joining one. */
const PARTS = [
  ...PAIRS.flatMap((pair) => [`pki/${pair}.crt`, `pki/${pair}.key`]),
  'pki/sa.key',
  'pki/sa.pub',
  ...CONFIGS.filter((name) => name !== 'super-admin.conf'),
  ...MANIFESTS,
].map((path) => `/etc/kubernetes/${path}`);

const KUBELET = ['/var/lib/kubelet/config.yaml', '/var/lib/kubelet/kubeadm-flags.env'] as const;

/** The phases of kubeadm join before etcd takes the host in, without the last of them, and those after. */
const BEFORE = ['preflight', 'control-plane-prepare', 'check-etcd'] as const;
const AFTER = ['kubelet-wait-bootstrap', 'control-plane-join', 'wait-control-plane'] as const;
const skip = (...phases: readonly string[]): string => `--skip-phases=${phases.join(',')}`;

/**
 * The whole join, in two parts: from its vote on etcd counts on this host, and by then nothing with which etcd starts again may be lost
 * to a power cut. Its manifest comes with the vote, so it is written to the disk at once. So is every name in etcd's folder: etcd gives
 * the data it is sent the name of its own without seeing to it that the new name is kept (`OpenSnapshotBackend`, etcd 3.6), and with
 * the old, empty file under that name it never starts again. ext4 hands this on to the folders that etcd makes there.
 */
const whole = sh`
  kubeadm join --config ${JOIN} ${skip('etcd-join', ...AFTER)} || status=$?
  if [ "$status" -eq 0 ]; then
    ${synced}
    mkdir -p /var/lib/etcd
    chmod 0700 /var/lib/etcd
    chattr +D /var/lib/etcd 2>/dev/null || :
    chattr +S /etc/kubernetes/manifests 2>/dev/null || :
    kubeadm join --config ${JOIN} ${skip(...BEFORE, 'kubelet-start')} || status=$?
    chattr -R -S /etc/kubernetes/manifests 2>/dev/null || :
  fi`;

/** What is left to a host that etcd has given its vote: kubelet's own credentials, the marks of its node. */
const rest = sh`
  skip=${skip(...BEFORE, 'etcd-join')}
  if [ -z "$open" ]; then skip=$skip,kubelet-start; fi
  kubeadm join --config ${JOIN} "$skip" || status=$?`;

/** Joins, from whatever an earlier try has left. */
function joining(scene: Scene): Shell {
  return sh`
    if [ -z "$(slot ${ticketSlot(scene.node)})" ]; then echo 'no token was minted for this host in this run'; exit 1; fi
    standing=$(probe standing)
    case $standing in
      votes)
        for path in $open; do
          case $path in
            /etc/kubernetes/kubelet.conf | /var/lib/kubelet/*) ;;
            *) echo "a voter that lacks:$open"; exit 1 ;;
          esac
        done ;;
      'no vote')
        if [ -n "$begun" ]; then (
          ${takeBack(scene)}
        ) || echo 'not all of the earlier try could be taken back'; fi ;;
      *) echo 'etcd does not say whether this host votes; nothing is touched'; exit 1 ;;
    esac
    ${runJoin(
      scene,
      sh`
        if [ "$standing" = votes ]; then
          ${rest}
        else
          ${whole}
        fi`,
    )}`;
}

function member(scene: Scene): Step {
  const { cluster, node } = scene;
  const progress = sh`
    open=; begun=
    for path in ${[...PARTS, ...KUBELET]}; do
      if [ -s "$path" ]; then begun=yes; else open="$open $path"; fi
    done
    if [ -d /var/lib/etcd/member ] || [ -e ${BOOTSTRAP} ]; then begun=yes; fi`;
  return {
    id: 'join/member',
    title: 'Join the control plane',
    why: 'kubeadm fetches the keys every control plane shares, sealed with a key of its own, enters the host into etcd as one that learns, and starts the same programs as on the first. A join that was cut short is taken back and begun anew: half a control plane is of no use to anybody. But once etcd counts on its vote, it is brought to its end.',
    see: ['https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/'],
    disturbs: 'service',
    after: ['join/standing'],
    takes: [ticketSlot(node)],
    probes: [standing(scene)],
    read: sh`
      ${progress}
      ${owner}
      if [ -z "$begun" ]; then echo 'no member'
      elif [ "$owner" != ${cluster.name} ]; then echo 'not ours: Landfall did not begin this'
      elif ! [ -e ${FILES.initialised} ]; then echo 'half joined'
      elif [ -n "$open" ]; then echo "a member that lacks:$open"
      elif [ -e ${BOOTSTRAP} ] || [ -e ${JOIN} ]; then echo 'half joined, open: its end'
      else echo member; fi`,
    want: 'member',
    make: sh`
      ${owner} || :
      if [ "$owner" != ${cluster.name} ]; then
        echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
      fi
      ${progress}
      if [ -e ${FILES.initialised} ]; then
        if [ -n "$open" ]; then echo "a member that lacks:$open"; exit 1; fi
      else
        ${joining(scene)}
      fi
      ${endJoin}`,
    undo: sh`
      rm -f ${JOIN}
      ${takeBack(scene)}`,
    writes: [FILES.initialised],
    clues: [
      {
        match: /^a member that lacks: /,
        means:
          'files of a control plane that has a vote were taken away, and joining it afresh would take its vote first',
        try: 'put them back from a backup; a certificate or a kubeconfig is made anew by kubeadm init phase certs or kubeconfig with --config /etc/kubernetes/landfall/kubeadm.yaml',
      },
      {
        match: /^a voter that lacks: /,
        means:
          'etcd counts on this host’s vote, so its join may not be taken back; and it lacks what only a join from the beginning makes',
        try: 'landfall node replace with the name of this host: it counts the votes first, takes this one off the list, and joins the host afresh',
        diagnosis: 'H65',
      },
      {
        match: /Secret "kubeadm-certs" was not found|could not decrypt|error downloading the secret/,
        means: 'the sealed keys in the cluster are gone, or sealed with another key than this host was given',
        try: 'landfall apply uploads them anew',
        diagnosis: 'H63',
      },
      {
        match: /etcd cluster is not healthy|etcdserver: unhealthy cluster|can only promote a learner/,
        means:
          'etcd does not take the new member in: another one is away, or ports 2379 and 2380 are closed between the hosts',
        try: 'from each control plane to each: TCP 2379 and 2380 must pass; landfall plan says which member is not healthy',
        diagnosis: 'H65',
      },
      ...JOIN_CLUES,
    ],
  };
}
