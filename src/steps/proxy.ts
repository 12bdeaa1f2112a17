import type { Cluster } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { memberAddress } from '../model/member.ts';
import type { Proxy } from '../model/outside.ts';
import { runtimeOf } from '../model/runtime.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { ownFile } from './kinds/own-file.ts';
import type { Scene } from './phase.ts';
import { WISHED } from './places.ts';
import { runtimeParts } from './runtime-parts.ts';
import type { Step } from './step.ts';

const GO = 'https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config';

/**
 * What is reached without the proxy: first what the cluster needs by itself, then what the user names; each once.
 * @param hosts the facts of nodes by their names, for addresses that cluster.yaml does not tell.
 */
export function exceptions(
  cluster: Cluster,
  hosts: Readonly<Record<string, Facts | undefined>>,
): readonly string[] {
  const { network, endpoint, nodes, proxy } = cluster;
  const addresses = nodes.flatMap((node) => [
    node.name,
    node.address,
    ...[memberAddress(node, hosts[node.name])].filter((address) => address !== undefined),
  ]);
  return [
    ...new Set([
      'localhost',
      '127.0.0.0/8',
      network.pods,
      network.services,
      '.svc',
      `.${network.domain}`,
      endpoint.host,
      ...addresses,
      ...(proxy?.noProxy ?? []),
    ]),
  ];
}

/** apt's settings by their names; apt knows no domains and no networks. @param asked hosts that are looked for in the domains. */
function aptSettings(
  { http, https, noProxy }: Proxy,
  asked: readonly string[] = [],
): readonly (readonly [name: string, value: string])[] {
  // Without one of its own apt takes for https the proxy of http.
  const ways = [...(http === undefined ? [] : [['http', http]]), ['https', https ?? 'DIRECT']] as const;
  const plain = [
    ...noProxy.filter((entry) => !entry.startsWith('.') && !entry.includes('/')),
    ...asked.filter((host) => noProxy.some((entry) => entry.startsWith('.') && host.endsWith(entry))),
  ];
  return ways.flatMap(([scheme, proxy]) => [
    [`Acquire::${scheme}::Proxy`, proxy] as const,
    ...plain.map((host) => [`Acquire::${scheme}::Proxy::${host}`, 'DIRECT'] as const),
  ]);
}

/** apt's way out, before the first package is fetched. */
export function aptProxySteps({ cluster: { proxy } }: Scene): readonly Step[] {
  if (proxy === undefined) return [];
  const settings = aptSettings(proxy).map(([name, value]) => `${name} "${value}";`);
  return [
    ownFile(
      {
        id: 'proxy/apt',
        title: 'Have apt go through the proxy',
        why: 'Where the hosts reach the outside by a proxy alone, no package comes to them without. apt has a setting of its own: what stands in the environment of a login does not reach what runs at night.',
        see: ['man 5 apt.conf', 'man 1 apt-transport-https'],
      },
      {
        path: WISHED.aptProxy,
        content: `// Written by Landfall: how apt reaches the outside.\n${settings.join('\n')}\n`,
      },
    ),
  ];
}

/**
 * How fetching is told of a way out that the host does not know yet.
 * @param dir a folder of the script's own, as one word.
 * @param asked the hosts of a user's own that are to be asked.
 */
export function wayOut(
  { proxy, trust = [] }: Cluster,
  dir: Shell,
  asked: readonly string[] = [],
): { readonly before: readonly Shell[]; readonly options: Shell } {
  const set = (proxy === undefined ? [] : aptSettings(proxy, asked)).flatMap((s) => ['-o', s.join('=')]);
  if (trust.length === 0) return { before: [], options: sh`${set}` };
  return {
    before: [
      sh`cat /etc/ssl/certs/ca-certificates.crt >${dir}/authorities 2>/dev/null`,
      sh`printf '%s' ${trust.map(({ pem }) => pem)} >>${dir}/authorities`,
    ],
    options: sh`${[...set, '-o']} Acquire::https::CAInfo=${dir}/authorities`,
  };
}

/** The environment of a service: a drop-in of its unit. */
function environment({ cluster, hosts, node, facts }: Scene): string {
  const { http, https } = cluster.proxy ?? {};
  const pairs = [
    ...(http === undefined ? [] : [`HTTP_PROXY=${http}`]),
    ...(https === undefined ? [] : [`HTTPS_PROXY=${https}`]),
    `NO_PROXY=${exceptions(cluster, { ...hosts, [node.name]: facts }).join(',')}`,
  ];
  const settings = pairs.map((pair) => `Environment="${pair}"`);
  return ['# Written by Landfall: the way to the outside.', '[Service]', ...settings].join('\n').concat('\n');
}

/** The ways out of the runtime and of kubelet. Both read them when they start. */
export function serviceProxySteps(scene: Scene): readonly Step[] {
  if (scene.cluster.proxy === undefined) return [];
  const content = environment(scene);
  const { title } = runtimeParts(scene);
  const isCrio = runtimeOf(scene.cluster, scene.node) === 'cri-o';
  return [
    ownFile(
      {
        id: 'proxy/runtime',
        title: `Have ${title} go through the proxy`,
        why: 'The runtime pulls every image of the node. What the cluster reaches by itself, its nodes, pods and Services, is never asked of the proxy, which knows none of them.',
        see: [GO],
      },
      { path: isCrio ? WISHED.crioProxy : WISHED.containerdProxy, content },
    ),
    ownFile(
      {
        id: 'proxy/kubelet',
        title: 'Have kubelet go through the proxy',
        why: 'kubelet fetches static pods by URL and has programs that fetch credentials for registries in the cloud. The API server, which it talks to all the time, is among what is reached without.',
        see: [GO],
      },
      { path: WISHED.kubeletProxy, content },
    ),
    check(
      {
        id: 'proxy/not-in-pods',
        title: 'See that the control plane has no proxy of its own',
        why: 'kubeadm copies proxies out of its environment into the pods of the control plane. The API server would then send webhooks and the logs of pods through a proxy that knows nothing of them, with a list of exceptions that nobody keeps up to date.',
        see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/'],
        clues: [
          {
            match: /_proxy$/i,
            means:
              'kubeadm was called by hand where a proxy stood in the environment, or somebody wrote it there',
            try: 'take the variables out of the files in /etc/kubernetes/manifests, one file after the other; kubelet starts the pod anew each time',
          },
        ],
      },
      {
        read: sh`grep -iHoE 'name: *[a-z]+_proxy' /etc/kubernetes/manifests/*.yaml 2>/dev/null | sed 's#.*/##; s/: *name: */ /' | grep . || echo none`,
        want: 'none',
      },
    ),
  ];
}

const VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy', 'ftp_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
]);

/**
 * What a script must not have in its environment where there is a proxy: a login or the manager of services may have one there, and
 * kubectl, curl and kubeadm would ask it for the way to the API server next door. apt is told of the proxy by its own file.
 */
export function unwanted({ proxy }: Cluster): readonly string[] {
  return proxy === undefined ? [] : VARIABLES;
}

/** kubeadm called as it should be where there is a proxy: it copies what it finds in its environment into pods. */
export function withoutProxy({ proxy }: Cluster, command: Shell): Shell {
  if (proxy === undefined) return command;
  return lines(
    sh`
      # kubeadm would copy a proxy out of its environment into the pods of the control plane.
      unset ${VARIABLES}`,
    command,
  );
}
