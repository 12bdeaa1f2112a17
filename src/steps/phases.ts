import { controlPlanes, joiningControlPlanes, workers } from '../model/cluster.ts';
import { alikeSteps } from './alike.ts';
import { capacitySteps } from './capacity.ts';
import { controlPlaneSteps } from './control-plane.ts';
import { earlierSteps } from './earlier.ts';
import { exchangeSteps } from './exchange.ts';
import { clusterInfo } from './endpoint-kept.ts';
import { endpointLeads, joinedNames, noFormerName } from './endpoint-names.ts';
import { endpointServers, isMoving } from './endpoint-servers.ts';
import { etcdDiskSteps } from './etcd-disk.ts';
import { quorumSteps } from './etcd-members.ts';
import { etcdSteps } from './etcd.ts';
import { firewallProof } from './firewall-proof.ts';
import { firewallKept, firewallRules, firewallTool } from './firewall.ts';
import { groundSteps } from './ground.ts';
import { sameData } from './identity.ts';
import { ipv6Steps } from './ipv6.ts';
import { joinControlPlaneSteps } from './join-control-plane.ts';
import { joinNetworkSteps, joinSteps } from './join.ts';
import { closingSteps, ticketSteps } from './join-ticket.ts';
import { journalSteps } from './journal.ts';
import { insistingSteps } from './kept-settings.ts';
import { kernelSteps } from './kernel.ts';
import { authorities } from './leaf-certificates.ts';
import { loginChecks, loginSteps, portAlone } from './login.ts';
import { loginProof } from './login-proof.ts';
import { loginSettings } from './login-settings.ts';
import { machineSteps } from './machine.ts';
import { nameSteps } from './names.ts';
import { networkEndSteps, networkSteps } from './network.ts';
import { nodeMarkSteps } from './node-marks.ts';
import { packageSteps } from './packages.ts';
import type { Phase, Scene } from './phase.ts';
import { pluginKeptStep } from './plugin-kept.ts';
import { patient } from './patience.ts';
import { pairSteps } from './pairs.ts';
import { podMtuSteps } from './pod-mtu.ts';
import { beginSteps, prepareSteps } from './prepare.ts';
import { cleaned, cleaningSteps, outsideSteps, proofSteps } from './proof.ts';
import { aptProxySteps } from './proxy.ts';
import { reachSteps } from './reach.ts';
import { ownServingSteps, grantingSteps, servedSteps } from './serving.ts';
import { recordSteps } from './record.ts';
import { runtimeSteps } from './runtime.ts';
import { swapSteps } from './swap.ts';
import { systemSteps } from './system.ts';
import { clockStep, timeSteps } from './time.ts';
import { trustSteps } from './trust.ts';
import { unattendedSteps } from './updates.ts';
import { virtualAddressSteps } from './virtual-address.ts';
import { virtualAddressChecks } from './virtual-address-checks.ts';
import { workloadSteps } from './workloads.ts';

const everyone: Phase['on'] = (cluster) => cluster.nodes;
const firstControlPlane: Phase['on'] = (cluster) => controlPlanes(cluster).slice(0, 1);
const isAlone = ({ cluster }: Scene): boolean => joiningControlPlanes(cluster).length === 0;

/** Everything Landfall does, in its order: read this first. Each phase has one reason; each subject has its own file. */
const TABLE: readonly Phase[] = [
  {
    id: 'preflight',
    title: 'Look before anything is touched',
    why: 'What only you can change, a machine that is too small or a port that is taken, is found now, all of it at once, while the host is still as it was.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: (scene) => [
      ...machineSteps(scene),
      ...capacitySteps(scene),
      ...etcdDiskSteps(scene),
      ...groundSteps(scene),
      ...alikeSteps(scene),
      ...earlierSteps(scene),
      ...sameData(scene),
      ...reachSteps(scene),
      pluginKeptStep(scene),
      ...podMtuSteps(scene),
      ...endpointLeads(scene),
      ...virtualAddressChecks(scene),
      ...pairSteps(scene),
      ...loginChecks(scene),
    ],
  },
  {
    id: 'system',
    title: 'Bring the system up to date',
    why: 'What the host is like is written down; then its own packages and its kernel come to their newest, and from there on nothing of it moves unasked. A reboot, when one is due, is best now.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: (scene) => [
      ...beginSteps(scene),
      ...trustSteps(scene),
      ...aptProxySteps(scene),
      ...systemSteps(scene),
    ],
  },
  {
    id: 'prepare',
    title: 'Prepare the host',
    why: 'The kernel and the host must do a few things they do not do by themselves, and keep doing them after a reboot.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: (scene) => [
      ...prepareSteps(scene),
      ...timeSteps(scene),
      ...nameSteps(scene),
      ...swapSteps(scene),
      ...ipv6Steps(scene),
      ...journalSteps(scene),
      ...kernelSteps(scene.cluster.host),
      ...virtualAddressSteps(scene),
      ...firewallTool(scene),
    ],
  },
  {
    id: 'login',
    title: 'Open a new way in',
    why: 'sshd listens where it is wished to, beside where it listened before: nothing is closed yet.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: (scene) => [...firewallRules(scene), ...loginSteps(scene)],
  },
  {
    id: 'login-proof',
    title: 'Try it from here',
    why: 'Only from where you are does it show whether you will be let in again.',
    stage: 'operator',
    on: everyone,
    when: 'always',
    steps: (scene) => [...firewallProof(scene), ...loginProof(scene)],
  },
  {
    id: 'login-end',
    title: 'Close the other ways in',
    why: 'Now that a second login has come in, what is not needed is closed: the old port, passwords, root.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: (scene) => [...firewallKept(scene), ...portAlone(scene), ...loginSettings(scene)],
  },
  {
    id: 'packages',
    title: 'Install the packages',
    why: 'kubeadm, kubelet, kubectl and the container runtime come as packages from repositories of their own projects, at versions that are written down and stay.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: packageSteps,
  },
  {
    id: 'runtime',
    title: 'Start the container runtime',
    why: 'Everything else, the control plane included, runs in containers. The runtime runs them for kubelet.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: runtimeSteps,
  },
  {
    id: 'clock',
    title: 'Agree on the time',
    why: 'From here on certificates are made, and one from a clock that is ahead is not valid yet anywhere else.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: (scene) => [clockStep(scene)],
  },
  {
    id: 'control-plane',
    title: 'Make the control plane',
    why: 'etcd keeps what the cluster should be, the API server is the only door to it, and two more programs see to it that it comes true.',
    stage: 'nodes',
    on: firstControlPlane,
    when: 'always',
    steps: controlPlaneSteps,
  },
  {
    id: 'endpoint-names',
    title: 'Know all API servers by every name',
    why: 'Whoever is led to any of them must find the name he came by in its certificate, before anybody is told of a new one.',
    stage: 'nodes',
    on: joiningControlPlanes,
    when: 'always',
    pace: 'one by one',
    steps: joinedNames,
  },
  {
    id: 'endpoint-told',
    title: 'Say where the cluster is found',
    why: 'Who joins, today or in a year, knows nothing but a token; where to go with it is written where it can be read without one.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    steps: (scene) => [clusterInfo(scene)],
  },
  {
    id: 'updates',
    title: 'Have the host keep itself up to date',
    why: 'What the cluster needs is in and held by now, so the rest of the host may have its security updates by itself. Before, one of them could have met an installation in its middle.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: unattendedSteps,
  },
  {
    id: 'serving-first',
    title: 'Vouch for the first kubelet',
    why: 'What is asked inside a pod, as etcd is for its members, goes by way of kubelet, which answers nobody until it has its certificate. Who signs it takes some seconds to begin after the control plane has.',
    stage: 'nodes',
    on: firstControlPlane,
    when: 'always',
    steps: (scene) => (isAlone(scene) ? [] : ownServingSteps(scene, 'control-plane')),
  },
  {
    id: 'join-ticket',
    title: 'Invite the hosts that are to join',
    why: 'A member is made from both sides: the cluster says whom it expects, and a host shows that it is the one.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    steps: (scene) => [...quorumSteps(scene), ...ticketSteps(scene)],
  },
  {
    id: 'join-control-plane',
    title: 'Join the other control planes',
    why: 'Any of them can die without the cluster noticing much, as long as more than half of them live. They join one by one, each only when the one before has its vote.',
    stage: 'nodes',
    on: joiningControlPlanes,
    when: 'always',
    pace: 'one by one',
    steps: joinControlPlaneSteps,
  },
  {
    id: 'join',
    title: 'Join the workers',
    why: 'A worker is a host with a kubelet that takes its orders from this cluster. All of them can join at the same time.',
    stage: 'nodes',
    on: workers,
    when: 'always',
    steps: joinSteps,
  },
  {
    id: 'join-end',
    title: 'Take the invitations back',
    why: 'What was needed to join is of no use to a member, and of much use to anybody else.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    closes: 'join-ticket',
    steps: closingSteps,
  },
  {
    id: 'endpoint',
    title: 'Go by another endpoint',
    why: 'A node that was found to go by another endpoint than the cluster is to have goes over in its turn: one after the other, and only where the new one answers. Until then the old one is left as it is.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    pace: 'one by one',
    steps: (scene) => (isMoving(scene) ? endpointServers(scene) : []),
  },
  {
    id: 'network',
    title: 'Connect the pods',
    why: 'Until a plugin gives pods addresses and routes between them, no node is ready and nothing of yours can start.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    // One control plane alone has no other member of etcd to ask for before: both waits are for the same program to begin.
    steps: (scene) => networkSteps(scene, isAlone(scene) ? ownServingSteps(scene, 'control-plane') : []),
  },
  {
    id: 'serving',
    title: 'Vouch for who joined',
    why: 'A worker has shown the cluster who it is. Now the cluster gives it what to show to others: a certificate of its name and address.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    steps: grantingSteps,
  },
  {
    id: 'serving-end',
    title: 'See that they can be told',
    why: 'Logs, commands and metrics of a node go by way of its kubelet, which answers nobody until it has its certificate.',
    stage: 'nodes',
    on: workers,
    when: 'always',
    steps: servedSteps,
  },
  {
    id: 'insistence',
    title: 'Insist on it',
    why: 'When every node can show who it is, nobody is spoken to any more who cannot; and an API server that is to end is to do so at once.',
    stage: 'nodes',
    on: controlPlanes,
    when: 'always',
    pace: 'one by one',
    steps: insistingSteps,
  },
  {
    id: 'join-network',
    title: 'Connect the pods of who joined',
    why: 'The plugin runs on every node, and on every node it writes down how the runtime is to use it.',
    stage: 'nodes',
    on: (cluster) => [...joiningControlPlanes(cluster), ...workers(cluster)],
    when: 'always',
    steps: joinNetworkSteps,
  },
  {
    id: 'exchange',
    title: 'Go over to another container runtime',
    why: 'A node whose runtime was changed in cluster.yaml has both for a while. One node after the other is emptied, goes over, and is filled again; the cluster goes on meanwhile.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    pace: 'one by one',
    steps: exchangeSteps,
  },
  {
    id: 'workloads',
    title: 'Open it for workloads',
    why: 'Who may run where is said in the cluster itself, by marks on its nodes.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    steps: (scene) => [
      ...workloadSteps(scene),
      ...nodeMarkSteps(scene),
      cleaned(scene, {
        id: 'workloads/no-proof',
        title: 'Clear away a proof that was cut short',
        why: 'A run that was interrupted while it proved the cluster leaves its pods and an open port behind.',
        after: ['control-plane/api-ready'],
      }),
      ...authorities(scene),
    ],
  },
  {
    id: 'etcd',
    title: 'Look after etcd',
    why: 'All that the cluster knows is in etcd, and etcd as it comes is neither written down anywhere nor given the room a cluster needs in its second year.',
    stage: 'nodes',
    on: controlPlanes,
    when: 'always',
    pace: 'one by one',
    steps: etcdSteps,
  },
  {
    id: 'network-end',
    title: 'See that the pods are connected',
    why: 'Only when every node has the plugin, and nothing before it, is there one network: then nodes are ready, names are resolved, and pods start anywhere.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    steps: networkEndSteps,
  },
  {
    id: 'endpoint-end',
    title: 'Leave the old endpoint behind',
    why: 'When nobody goes by a name any more that Landfall has kept, it goes.',
    stage: 'nodes',
    on: everyone,
    when: 'always',
    steps: (scene) => noFormerName(scene),
  },
  {
    id: 'record',
    title: 'Write it down',
    why: 'What a cluster is to be is in a file of yours, and a cluster has more than one who may change it.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'always',
    steps: recordSteps,
  },
  {
    id: 'proof',
    title: 'Prove it from inside',
    why: 'That every part reports itself well proves little. A page that travels from a pod to whoever asks for it proves all of them together.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'changed',
    steps: proofSteps,
  },
  {
    id: 'proof-outside',
    title: 'Prove it from outside',
    why: 'The cluster is for those outside of it, so the last word is theirs.',
    stage: 'operator',
    on: firstControlPlane,
    when: 'changed',
    steps: outsideSteps,
  },
  {
    id: 'proof-end',
    title: 'Take the proof away',
    why: 'A proof leaves nothing behind.',
    stage: 'seat',
    on: firstControlPlane,
    when: 'changed',
    steps: cleaningSteps,
  },
];

/** The phases in their order, each with steps that bear an API server which is busy for a moment. */
export const PHASES: readonly Phase[] = TABLE.map((phase) => ({
  ...phase,
  steps: (scene) => phase.steps(scene).map(patient),
}));
