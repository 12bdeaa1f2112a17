import * as z from 'zod';
import { ENCAPSULATIONS, KUBE_PROXY_FATES, NETWORK_PLUGINS } from '../model/cluster.ts';
import { LEAST_MTU, MOST_MTU } from '../model/pod-path.ts';
import { RUNTIMES } from '../model/runtime.ts';
import { CIDR, DEVICE, DOMAIN, ENDPOINT, IPV4, NAME, VERSION } from './format.ts';
import { etcd } from './schema-etcd.ts';
import { certificates } from './schema-certificates.ts';
import { firewall } from './schema-firewall.ts';
import { host } from './schema-host.ts';
import { proxy, trust } from './schema-outside.ts';
import { registries } from './schema-registries.ts';
import { LABEL, node, ssh } from './schema-hosts.ts';

const cidr = { wanted: 'an IPv4 network', format: 'an address and a prefix length: 10.244.0.0/16' };

const endpoint = z.strictObject({
  address: z
    .string()
    .regex(ENDPOINT)
    .optional()
    .meta({
      description:
        'A name and port, `host[:port]`, under which the API server is reached whatever becomes of any one node.',
      why: 'It is written into every certificate and kubeconfig, so it should outlive the machine that answers to it today. Another one later is a move of the whole cluster, which `landfall apply` makes when it is confirmed; the kubeconfigs people have must then be fetched anew. Left out, Landfall keeps the default name in /etc/hosts of every node; given, your DNS or load balancer answers for it.',
      byDefault: '`api.NAME.internal:6443`',
      wanted: 'a name or IPv4 address with or without a port',
      format: 'a lower-case DNS name or four decimal numbers, and a colon and a port when that is not 6443',
      examples: ['api.example.com:6443'],
    }),
  virtualIP: z
    .string()
    .regex(IPV4)
    .optional()
    .meta({
      description:
        'A free address in the network of the control planes, which one of them holds at any time: keepalived moves it to another within seconds when its holder, or the API server there, dies.',
      why: 'Several control planes need an address that is none of theirs, and not everybody has a load balancer. With one control plane it is worth having, too: others can join later without a certificate being made anew. It must lie outside of what DHCP gives out. Networks that let hosts carry given addresses only (most clouds) do not carry it; there, take a load balancer.',
      byDefault: 'none: the endpoint is the first control plane, or `address`',
      wanted: 'an IPv4 address',
      format: 'four decimal numbers: 10.0.0.10',
      examples: ['10.0.0.10'],
    }),
  interface: z
    .string()
    .regex(DEVICE)
    .optional()
    .meta({
      description: 'The network device that takes the virtual address up, the same on every control plane.',
      why: 'A host with several networks may be reached by another one than the nodes reach each other by.',
      byDefault: 'on each control plane the device that carries its own address',
      wanted: 'the name of a network device',
      format: 'a name as `ip link` shows it',
      examples: ['eth0', 'bond0'],
    }),
  balance: z
    .boolean()
    .optional()
    .meta({
      description:
        'Whether HAProxy, on the control plane that holds the virtual address, spreads connections over all API servers. The endpoint’s port is then 8443.',
      why: 'Without it the holder’s own API server answers everybody, and the others hardly anybody. One is enough for some hundred nodes; beyond that, or with many controllers of your own, let all of them work. It is best chosen before the cluster is made, as the port is in every kubeconfig: later it is a move of the endpoint.',
      byDefault: '`false`',
      examples: [true],
    }),
  routerId: z
    .int()
    .min(1)
    .max(255)
    .optional()
    .meta({
      description:
        'The number by which keepalived tells the messages about this address from others’ (VRRP’s virtual router ID).',
      why: 'Two groups of hosts that share a network and a number could take each other for one group.',
      byDefault: 'the last part of the virtual address',
      wanted: 'a number',
      format: 'a whole number from 1 to 255',
      examples: [10],
    }),
  names: z
    .array(
      z
        .string()
        .regex(DOMAIN)
        .meta({
          description: 'A name or an IPv4 address.',
          wanted: 'a name or an IPv4 address',
          format: 'a lower-case DNS name, or four decimal numbers',
          examples: ['kubernetes.example.com', '203.0.113.7'],
        }),
    )
    .max(100)
    .optional()
    .meta({
      description:
        'More names and addresses by which the API server is called: by way of a public address, a tunnel, or the load balancer that is yet to come. They are put into the certificate of every control plane; one that is added later, too.',
      why: 'A client refuses an API server whose certificate does not name what it was called by. The endpoint, the virtual address and each node’s own addresses are in it by themselves.',
      byDefault: 'none',
      wanted: 'a list of 100 names at most',
      examples: [['kubernetes.example.com', '203.0.113.7']],
    }),
});

const network = z.strictObject({
  plugin: z
    .enum(NETWORK_PLUGINS)
    .default('flannel')
    .meta({
      description:
        'The network plugin Landfall installs: `flannel`, `calico`, `cilium`, or `none` when you bring your own.',
      why: 'flannel is the smallest one that carries pods over any network the nodes share, and knows no NetworkPolicy. Calico and Cilium do; Cilium can stand in for kube-proxy too. With `none` the nodes stay NotReady until you install one. A plugin is chosen before the cluster is made: Landfall does not exchange it under living pods.',
      examples: ['flannel', 'calico', 'cilium', 'none'],
    }),
  encapsulation: z
    .enum(ENCAPSULATIONS)
    .optional()
    .meta({
      description:
        'How packets of pods travel between nodes: `vxlan` (always inside UDP), `cross-subnet` (inside UDP only to nodes of another subnet; not with Cilium), or `none` (as they are; all nodes must share one subnet).',
      why: 'Packets inside UDP pass through any network that carries the nodes. As they are they travel faster and larger, but many networks, those of virtual machines above all, drop packets of addresses they did not give out.',
      byDefault:
        '`vxlan`; with Calico `cross-subnet` when every node is a real machine. What was chosen is kept in landfall.lock',
      examples: ['vxlan', 'cross-subnet', 'none'],
    }),
  mtu: z
    .int()
    .min(LEAST_MTU)
    .max(MOST_MTU)
    .optional()
    .meta({
      description: 'The size of the largest packet of a pod, in bytes.',
      why: 'Where it is larger than what the network between the nodes carries, small packets pass and large ones vanish: connections open and then hang.',
      byDefault:
        'the least any node’s network device carries, less the 50 bytes that encapsulation takes. What was chosen is kept in landfall.lock',
      wanted: 'a number of bytes',
      format: `a whole number from ${LEAST_MTU} to ${MOST_MTU}`,
      examples: [1450, 8950],
    }),
  kubeProxy: z
    .enum(KUBE_PROXY_FATES)
    .default('keep')
    .meta({
      description:
        'Whether kube-proxy turns Services into rules on each node (`keep`), or Cilium does it in its place (`replace`).',
      why: 'kube-proxy is part of every Kubernetes and needs nobody. Cilium does the same in eBPF, which stays fast with many Services and keeps the address of whoever asks; but then it must know the way to the API server by itself. Other plugins cannot.',
      examples: ['keep', 'replace'],
    }),
  pods: z
    .string()
    .regex(CIDR)
    .default('10.244.0.0/16')
    .meta({
      description: 'The network pods get their addresses from; each node takes a /24 of it.',
      why: 'It cannot be changed later, and nothing else that the nodes talk to may lie in it. A /16 has room for 256 nodes. The 192.168.0.0/16 of Calico’s own manifests is what homes, offices and VPNs use.',
      ...cidr,
      examples: ['10.244.0.0/16'],
    }),
  services: z
    .string()
    .regex(CIDR)
    .default('10.96.0.0/16')
    .meta({
      description: 'The network Services get their addresses from. They exist on the nodes only.',
      why: "A /16 in place of kubeadm's /12: 65,534 Services are enough, and 10.97.0.0 to 10.111.255.255 stay reachable for those who use them. Nor can it be changed later.",
      ...cidr,
      examples: ['10.96.0.0/16'],
    }),
  domain: z
    .string()
    .regex(DOMAIN)
    .default('cluster.local')
    .meta({
      description: 'The DNS domain of the cluster: Services are found under `NAME.NAMESPACE.svc.DOMAIN`.',
      why: 'Many charts and manifests have cluster.local written into them.',
      wanted: 'a DNS name',
      format: 'lower-case names of letters, digits and hyphens with dots between them',
      examples: ['cluster.local'],
    }),
});

/** cluster.yaml as it may be written: the one source of the JSON Schema, the reference page and every check of form. */
export const clusterFile = z.strictObject({
  apiVersion: z.literal('landfall/v1').meta({
    description: 'The version of this format.',
    why: 'A later Landfall that changes the format can tell which one it reads.',
    examples: ['landfall/v1'],
  }),
  kind: z.literal('Cluster').meta({ description: 'What the file describes.', examples: ['Cluster'] }),
  name: z
    .string()
    .regex(NAME)
    .meta({
      description: 'The name of the cluster.',
      why: 'It names the kubeconfig context, the runs and, by default, the endpoint.',
      ...LABEL,
      examples: ['harbour'],
    }),
  kubernetes: z
    .string()
    .regex(VERSION)
    .meta({
      description:
        'The Kubernetes version, in quotes: a minor (`"1.36"`) or an exact version (`"1.36.3"`). landfall.lock holds what a minor resolved to.',
      why: 'There is no default: a cluster changes its minor when this line is changed, not when Landfall is. `landfall init` writes the second newest minor, which is what add-ons support by now.',
      wanted: 'a Kubernetes version',
      format: 'a minor such as "1.36", or an exact version such as "1.36.3"',
      examples: ['1.36', '1.36.3'],
    }),
  endpoint: endpoint.optional().meta({ description: 'Where the API server is reached.' }),
  certificates: certificates.prefault({}).meta({
    description: 'How certificates are made, renewed and vouched for.',
  }),
  network: network.prefault({}).meta({ description: "The cluster's own networks." }),
  runtime: z
    .enum(RUNTIMES)
    .default('cri-o')
    .meta({
      description:
        'The container runtime: `cri-o`, or `containerd` as Docker packages it. A node may have another (`nodes[].runtime`).',
      why: 'CRI-O is released with Kubernetes, minor by minor, and does nothing else. containerd is what most clusters run and many tools are tried with; it is released by itself, and needs to be told what kubelet expects.',
      examples: ['cri-o', 'containerd'],
    }),
  etcd: etcd.prefault({}).meta({
    description: 'How etcd, which keeps all that the cluster knows, runs on every control plane.',
  }),
  registries: registries.optional().meta({
    description: 'Where the runtime pulls images from, and as whom.',
    byDefault: 'from the registries themselves, without a name',
  }),
  trust,
  proxy: proxy.optional().meta({
    description: 'The proxies by which apt, the runtime and kubelet reach the outside.',
    byDefault: 'none: the hosts reach it by themselves',
  }),
  firewall: firewall.optional().meta({
    description: 'Who may reach the hosts. Every part of it is taken back by `landfall reset`.',
    byDefault: 'no firewall of Landfall’s',
  }),
  ssh: ssh.prefault({}).meta({
    description: 'How hosts are reached. What is left out is left to your ssh_config.',
  }),
  host: host.prefault({}).meta({
    description: 'What is made of the hosts themselves. Every part of it is taken back by `landfall reset`.',
  }),
  lab: z
    .string()
    .regex(NAME)
    .optional()
    .meta({
      description: 'The lab whose hosts these are, as `landfall lab up` writes it.',
      why: 'Only then are the concessions of a lab host made; the plan shows each of them.',
      byDefault: 'no lab: these are your own hosts',
      ...LABEL,
      examples: ['harbour'],
    }),
  nodes: z.array(node).min(1).meta({
    description:
      'The machines that are to be members: one, three or five control planes, and as many workers as you like. A node that is written here later joins by the next `landfall apply`; one that is taken out stays a member.',
    wanted: 'a list of at least one node',
  }),
});

/** What cluster.yaml says once its form is right, with the defaults that do not depend on other fields. */
export type ClusterFile = z.output<typeof clusterFile>;
