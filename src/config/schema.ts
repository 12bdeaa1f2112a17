import * as z from 'zod';
import { CIDR, DOMAIN, ENDPOINT, NAME, VERSION } from './format.ts';
import { host } from './schema-host.ts';
import { LABEL, node, ssh } from './schema-hosts.ts';

const cidr = { wanted: 'an IPv4 network', format: 'an address and a prefix length: 10.244.0.0/16' };

const endpoint = z.strictObject({
  address: z
    .string()
    .regex(ENDPOINT)
    .meta({
      description:
        'A name and port, `host[:port]`, under which the API server is reached whatever becomes of any one node.',
      why: 'It is written into every certificate and kubeconfig, so it must outlive the machine that answers to it today. Left out, Landfall keeps the default name in /etc/hosts of every node; given, your DNS or load balancer answers for it.',
      byDefault: '`api.NAME.internal:6443`',
      wanted: 'a name or IPv4 address with or without a port',
      format: 'a lower-case DNS name or four decimal numbers, and a colon and a port when that is not 6443',
      examples: ['api.example.com:6443'],
    }),
});

const network = z.strictObject({
  plugin: z
    .enum(['flannel', 'none'])
    .default('flannel')
    .meta({
      description: 'The network plugin Landfall installs: `flannel`, or `none` when you bring your own.',
      why: 'flannel is the smallest one that carries pods over any network the nodes share. With `none` the nodes stay NotReady until you install one.',
      examples: ['flannel', 'none'],
    }),
  pods: z
    .string()
    .regex(CIDR)
    .default('10.244.0.0/16')
    .meta({
      description: 'The network pods get their addresses from; each node takes a /24 of it.',
      why: 'It cannot be changed later, and nothing else that the nodes talk to may lie in it. A /16 has room for 256 nodes.',
      ...cidr,
      examples: ['10.244.0.0/16'],
    }),
  services: z
    .string()
    .regex(CIDR)
    .default('10.96.0.0/16')
    .meta({
      description: 'The network Services get their addresses from. They exist on the nodes only.',
      why: "A /16 in place of kubeadm's /12: 65,534 Services are enough, and 10.97.0.0 to 10.111.255.255 stay reachable for those who use them.",
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
  network: network.prefault({}).meta({ description: "The cluster's own networks." }),
  runtime: z
    .literal('cri-o')
    .default('cri-o')
    .meta({
      description: 'The container runtime.',
      why: 'CRI-O is released with Kubernetes, minor by minor, and does nothing else.',
      examples: ['cri-o'],
    }),
  ssh: ssh.prefault({}).meta({
    description: 'How hosts are reached. What is left out is left to your ssh_config.',
  }),
  host: host.optional().meta({
    description: 'What the hosts themselves are to be like. What is left out stays as each host has it.',
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
    description: 'The machines that are to be members. This version makes clusters of one node.',
    wanted: 'a list of at least one node',
  }),
});

/** What cluster.yaml says once its form is right, with the defaults that do not depend on other fields. */
export type ClusterFile = z.output<typeof clusterFile>;
