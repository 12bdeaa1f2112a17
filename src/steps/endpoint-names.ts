import {
  controlPlanes,
  endpointKubeconfig,
  endpointOf,
  endpointServer,
  joiningControlPlanes,
} from '../model/cluster.ts';
import { isIPv4 } from '../model/network.ts';
import { sh } from '../shell/sh.ts';
import { apiNames } from './api-certificate.ts';
import { kubeadmFile } from './control-plane.ts';
import { UNREACHED } from './endpoint-servers.ts';
import { check } from './kinds/check.ts';
import { draft, inPlace } from './kinds/file.ts';
import { kubectl, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { KEPT_LINE } from './prepare.ts';
import type { Step } from './step.ts';

const LEADS = 'it leads to this cluster, or nothing is yet to go there';

/**
 * Where the endpoint is somebody else's to bring about: a node that goes by another one now can reach it. It is asked under a name every
 * API server has, as its certificate may not have the new one yet.
 */
export function endpointLeads(scene: Scene): readonly Step[] {
  const { cluster, node } = scene;
  const { host, kept } = cluster.endpoint;
  if (kept) return [];
  const server = endpointServer(cluster);
  const path = `/etc/kubernetes/${endpointKubeconfig(node)}`;
  return [
    check(
      {
        id: 'preflight/endpoint',
        title: `Reach this cluster under ${endpointOf(cluster)}`,
        why: 'Before a cluster is told of another endpoint, that must lead to it, from every node: its name is in your DNS, and your balancer knows the API servers. Found out later, some nodes would be with the new one and some with the old.',
        see: [
          'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/#create-load-balancer-for-kube-apiserver',
        ],
        clues: UNREACHED,
      },
      {
        read: sh`
          said=$(sed -n 's/^ *server: //p' ${path} 2>/dev/null)
          if [ -z "$said" ] || [ "$said" = ${server} ]; then echo ${LEADS}
          elif ! timeout 10 getent ahosts ${host} >/dev/null; then echo ${`${host} leads nowhere`}
          else
            said=$(${kubectl(scene)} --server=${server} --tls-server-name=kubernetes get --raw /readyz 2>&1)
            if [ "$said" = ok ]; then echo ${LEADS}; else printf '%s\n' "$said" | tail -n 1; fi
          fi`,
        want: LEADS,
      },
    ),
  ];
}

/** A control plane that has joined long ago is known by every name before anybody is told of it, and before others join. */
export function joinedNames(scene: Scene): readonly Step[] {
  if (!isJoined(scene)) return [];
  return [
    kubeadmFile(scene),
    apiNames(scene, { id: 'join/api-names', after: ['control-plane/kubeadm-config', 'join/member'] }),
  ];
}

/** Whether the node has become a control plane by joining one, before this run. */
export function isJoined({ cluster, node, facts }: Scene): boolean {
  return facts.member === true && joiningControlPlanes(cluster).some(({ name }) => name === node.name);
}

const AS_HERE = 'all of them as the host has it';

/**
 * Pods on the network of their node have a copy of its /etc/hosts from when they were started. Where Landfall keeps the endpoint's name,
 * those that go by it must not go on with the address it had before.
 */
export function namedInPods(scene: Scene): readonly Step[] {
  const { cluster, node, facts, hosts } = scene;
  const { host, kept, virtual } = cluster.endpoint;
  const first = controlPlanes(cluster)[0];
  if (!kept || isIPv4(host) || first === undefined) return [];
  const own =
    node.role === 'control-plane' ? nodeAddress(node, facts) : nodeAddress(first, hosts[first.name]);
  const programs =
    cluster.network.kubeProxy === 'replace' ? ['cilium-agent', 'cilium-operator'] : ['kube-proxy'];
  return [
    {
      id: 'endpoint/in-pods',
      title: 'Have pods find the endpoint where the host finds it',
      why: 'A pod on the network of its node gets a copy of /etc/hosts when it is started, and keeps it. When the name of the API server leads elsewhere from some day on, what goes by that name in there goes on with the address of that first day, until the machine with that address is gone.',
      see: ['https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/', 'man 5 hosts'],
      after: ['prepare/endpoint-name'],
      disturbs: 'service',
      within: 60,
      awaits: 'the pods to be started anew',
      read: sh`
        for program in ${programs}; do
          for pod in /var/lib/kubelet/pods/*/containers/"$program"; do
            awk -v name=${host} -v to=${virtual?.address ?? own} -v program="$program" '
              { sub(/#.*/, "") }
              { for (i = 2; i <= NF; i++) if ($i == name && $1 != to) print program " finds it at " $1 }' "\${pod%/containers/*}/etc-hosts" 2>/dev/null
          done
        done | sort -u | grep . || echo ${AS_HERE}`,
      want: AS_HERE,
      make: sh`
        for program in ${programs}; do
          for id in $(crictl ps -q --name "^$program\$"); do crictl stop --timeout 10 "$id" >/dev/null || :; done
        done`,
    },
  ];
}

/** Where the endpoint is somebody else's: the line of one that Landfall kept before goes when nobody goes by it any more. */
export function noFormerName({ cluster }: Scene, path: string = FILES.hosts): readonly Step[] {
  if (cluster.endpoint.kept) return [];
  const ours = ` ${KEPT_LINE}$`;
  const takenOut = sh`
    rm -f ${draft(path)}
    if grep -qs ${ours} ${path}; then
      cp -p ${path} ${draft(path)}
      grep -v ${ours} ${path} >${draft(path)} || :
      ${inPlace(path)}
    fi`;
  return [
    {
      id: 'endpoint/no-former-name',
      title: 'Leave no name of a former endpoint behind',
      why: 'As long as anybody goes by the name Landfall kept in /etc/hosts before, its line stays. Now that nobody does it would only hide, from whoever still tries the old name here, that it is no more.',
      see: ['man 5 hosts'],
      read: sh`sed -n ${`s/ *${KEPT_LINE}$//p`} ${path} 2>/dev/null | grep . || echo none`,
      want: 'none',
      make: takenOut,
      undo: takenOut,
    },
  ];
}
