import {
  endpointKubeconfig,
  endpointOf,
  endpointServer,
  isFirstControlPlane,
  joiningControlPlanes,
} from '../model/cluster.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { rewrite } from './kinds/aside.ts';
import { check } from './kinds/check.ts';
import { apiPort, kubectl, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import type { Clue, Step, StepId } from './step.ts';

/** Where kubeadm keeps kubeconfigs. */
const FOLDER = '/etc/kubernetes';

/** A folder with a file for each program that has yet to read its kubeconfig again. A reboot starts all of them anew, and empties it. */
const UNREAD = '/run/landfall/unread';

const CONFIGS = 'https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/';

/**
 * The API server each kubeconfig below /etc/kubernetes is to name, as kubeadm 1.35 and 1.36 have them: an administrator and a worker
 * come by way of the endpoint, the programs of a control plane, its kubelet among them, go to the API server beside them.
 */
export function serversOf(scene: Scene): Readonly<Record<string, string>> {
  const { cluster, node, facts } = scene;
  const endpoint = endpointServer(cluster);
  if (node.role === 'worker') return { 'kubelet.conf': endpoint };
  const own = `https://${nodeAddress(node, facts)}:${apiPort(cluster)}`;
  return {
    'admin.conf': endpoint,
    'super-admin.conf': endpoint,
    'kubelet.conf': own,
    'controller-manager.conf': own,
    'scheduler.conf': own,
  };
}

/** Whether a kubeconfig that was read of the host names another API server than it should: then its node is changed in its turn. */
export function isMoving(scene: Scene): boolean {
  const { servers = {} } = scene.facts;
  return Object.entries(serversOf(scene)).some(([name, server]) => (servers[name] ?? server) !== server);
}

/** What the node's kubeconfigs name. A node that was found to name another API server has these steps in its turn, after all others. */
export function endpointServers(scene: Scene): readonly Step[] {
  const plane = scene.node.role === 'control-plane';
  return [answers(scene), kubelet(scene), ...(plane ? [kubeconfigs(scene)] : [])];
}

/** Sets `$said` to the API server the kubeconfig `$path` names; to nothing when it is not there, or names none. */
const named = sh`said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=`;

/** Goes on only where the API server `$server` is ready as this very node sees it, with a certificate of its name. */
function reached(scene: Scene): Shell {
  return sh`
    if [ "$(${kubectl(scene)} --server="$server" get --raw /readyz)" != ok ]; then
      echo "$server does not answer from here, so nothing is changed"; exit 1
    fi`;
}

/** Has the kubeconfig `$path` name the API server `$server`; all else in it stays. */
const renamed = rewrite(sh`sed "s#^\( *server: \).*#\1$server#" "$path"`);

/** Why an endpoint does not answer, as kubectl says it. */
export const UNREACHED: readonly Clue[] = [
  {
    match: / leads nowhere$|\blookup \S+|no such host/,
    means: 'the name of the endpoint leads nowhere on this host',
    try: 'getent hosts NAME on this host; give the name an address in your DNS, the same for all nodes',
    diagnosis: 'H23',
  },
  {
    match: /certificate is valid for|certificate is not valid for/,
    means: 'whoever answers there has a certificate that does not name the endpoint',
    try: 'landfall plan says whether each API server has the name; behind a balancer, let it pass TLS through as it is',
    diagnosis: 'H68',
  },
  {
    match: /certificate signed by unknown authority|failed to verify certificate/,
    means: 'what answers there is not this cluster: another one, or a balancer that ends TLS itself',
    try: 'openssl s_client -connect HOST:PORT </dev/null shows who it is; the balancer must pass TCP through',
    diagnosis: 'H66',
  },
  {
    match:
      /was refused|connection refused|i\/o timeout|no route to host|Client\.Timeout|deadline exceeded|EOF$|does not answer from here/,
    means: 'the endpoint cannot be reached from this host',
    try: 'on this host: nc -vz HOST PORT; look at the balancer and its backends, and at firewalls between',
    diagnosis: 'H35',
  },
];

const ANSWERS = 'it answers, or this host needs it no more than before';

function answers(scene: Scene): Step {
  const { cluster, node } = scene;
  const server = endpointServer(cluster);
  const path = `${FOLDER}/${endpointKubeconfig(node)}`;
  const after: readonly StepId[] = [
    ...(cluster.endpoint.kept ? (['prepare/endpoint-name'] as const) : []),
    'control-plane/api-names',
    ...(joiningControlPlanes(cluster).length === 0 || isFirstControlPlane(cluster, node)
      ? []
      : (['join/api-names'] as const)),
  ];
  return check(
    {
      id: 'endpoint/answers',
      title: `See that ${endpointOf(cluster)} answers here`,
      why: 'A kubelet that is told of an endpoint it cannot reach is lost to the cluster within a minute. So whoever is to use another one asks it first, by its name and with the certificate checked, from the very host.',
      see: ['https://kubernetes.io/docs/reference/using-api/health-checks/'],
      after,
      within: 60,
      awaits: 'the endpoint to answer',
      clues: UNREACHED,
    },
    {
      read: sh`
        path=${path}
        server=${server}
        ${named}
        if [ -z "$said" ] || [ "$said" = "$server" ]; then echo ${ANSWERS}
        else
          said=$(${kubectl(scene)} --server="$server" get --raw /readyz 2>&1)
          if [ "$said" = ok ]; then echo ${ANSWERS}; else printf '%s\n' "$said" | tail -n 1; fi
        fi`,
      want: ANSWERS,
    },
  );
}

function kubelet(scene: Scene): Step {
  const { node } = scene;
  const server = serversOf(scene)['kubelet.conf'] ?? '';
  const path = `${FOLDER}/kubelet.conf`;
  const mark = `${UNREAD}/kubelet`;
  return {
    id: 'endpoint/kubelet',
    title: 'Have kubelet go to the right API server',
    why:
      node.role === 'worker'
        ? 'A worker’s kubelet goes by way of the endpoint, as it was when the node joined. One that still goes by another would be lost with that one. It reads its kubeconfig when it starts; pods run on meanwhile.'
        : 'The kubelet of a control plane goes to the API server beside it, so that neither is told anything by one of another version, and no balancer is needed to start the one that stands behind it. It reads its kubeconfig when it starts; pods run on meanwhile.',
    see: [CONFIGS],
    after: ['endpoint/answers'],
    disturbs: 'service',
    read: sh`
      path=${path}
      ${named}
      if [ -n "$said" ]; then echo "$said"; else echo ${server}; fi
      if [ -e ${mark} ]; then echo 'kubelet has not read it'; fi`,
    want: server,
    make: sh`
      path=${path}
      server=${server}
      ${named}
      if [ "$said" != "$server" ]; then
        ${reached(scene)}
        mkdir -p ${UNREAD}
        : >${mark}
        ${renamed}
      fi
      systemctl restart kubelet
      # Another node has its turn only when this kubelet is well.
      tries=0
      until curl -fs -m 1 -o /dev/null http://127.0.0.1:10248/healthz; do
        tries=$((tries + 1))
        if [ "$tries" -ge 30 ]; then echo 'kubelet is not well half a minute after its start'; exit 1; fi
        sleep 1
      done
      rm -f ${mark}`,
    clues: [
      ...UNREACHED,
      {
        match: /^kubelet is not well/,
        means: 'kubelet has been started anew, and does not call itself well',
        try: 'journalctl -u kubelet -n 50 --no-pager says why',
        diagnosis: 'H31',
      },
    ],
  };
}

const NAMED = 'each names what it should';

function kubeconfigs(scene: Scene): Step {
  const { 'kubelet.conf': _, ...servers } = serversOf(scene);
  const pairs = Object.entries(servers).map(([name, server]) => `${name}=${server}`);
  const taken = sh`
    name=\${pair%%=*} server=\${pair#*=}
    path=${FOLDER}/$name
    mark=${UNREAD}/kube-\${name%.conf}
    ${named}`;
  return {
    id: 'endpoint/kubeconfigs',
    title: 'Have the kubeconfigs of the control plane name the right API server',
    why: 'admin.conf is what kubeadm and whoever logs in here speak by, and what every copy of it was made from: it names the endpoint. The controllers and the scheduler go to the API server beside them, whatever becomes of the endpoint.',
    see: [CONFIGS],
    after: ['endpoint/answers'],
    disturbs: 'service',
    read: sh`
      for pair in ${pairs}; do
        ${taken}
        if [ -n "$said" ] && [ "$said" != "$server" ]; then echo "$name names $said"
        elif [ -e "$mark" ]; then echo "$name was not read again"; fi
      done | grep . || echo ${NAMED}`,
    want: NAMED,
    make: sh`
      for pair in ${pairs}; do
        ${taken}
        if [ -n "$said" ] && [ "$said" != "$server" ]; then
          ${reached(scene)}
          case $name in
            *admin.conf) ;;
            *)
              mkdir -p ${UNREAD}
              : >"$mark" ;;
          esac
          ${renamed}
        fi
        if [ -e "$mark" ]; then
          for id in $(crictl ps -q --name "^\${mark##*/}\$"); do crictl stop --timeout 30 "$id" >/dev/null || :; done
          rm -f "$mark"
        fi
      done`,
    clues: [...UNREACHED, ...API_CLUES],
  };
}
