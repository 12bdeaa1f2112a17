import * as z from 'zod';
import { FIREWALL_MODES } from '../model/firewall.ts';
import { SOURCE, SUBNET } from './format.ts';

const PORT = { wanted: 'a whole number from 1 to 65535' };

const allowance = z.strictObject({
  port: z
    .int()
    .min(1)
    .max(65535)
    .meta({ description: 'The port, or the first of several.', ...PORT, examples: [9100] }),
  through: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .meta({
      description: 'The last of several ports.',
      byDefault: 'one port alone',
      ...PORT,
      examples: [7300],
    }),
  protocol: z
    .enum(['tcp', 'udp'])
    .default('tcp')
    .meta({ description: 'The protocol.', examples: ['tcp'] }),
  from: z
    .array(
      z
        .string()
        .regex(SOURCE)
        .meta({
          description: '`nodes`, `pods`, an IPv4 address or an IPv4 network.',
          wanted: 'nodes, pods, an address or a network',
          format: '`nodes`, `pods`, `10.0.0.1` or `10.0.0.0/8`',
          examples: ['nodes', '10.0.0.0/8'],
        }),
    )
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: 'From where.',
      byDefault: 'from anywhere',
      wanted: 'a list of 1 to 100 entries',
      examples: [['nodes']],
    }),
});

/** The section `firewall`. */
export const firewall = z.strictObject({
  mode: z
    .enum(FIREWALL_MODES)
    .default('none')
    .meta({
      description:
        '`none`: Landfall has no firewall on the hosts. `audit`: nothing is dropped; what would be is written down, and `landfall status` shows it. `enforce`: what is not allowed is dropped.',
      why: 'On a public address kubelet, etcd and whatever else listens are there for everybody, and only their own certificates stand before them. But a rule that is missing is seen by those it keeps out: so begin with `audit`, look after a few days, and enforce then.',
      examples: ['audit', 'enforce'],
    }),
  admins: z
    .array(
      z
        .string()
        .regex(SUBNET)
        .meta({
          description: 'An IPv4 address or network.',
          wanted: 'an address or a network',
          format: '`192.0.2.7` or `192.0.2.0/24`',
          examples: ['192.0.2.0/24'],
        }),
    )
    .min(1)
    .max(100)
    .optional()
    .meta({
      description:
        'From where sshd, and beside nodes and pods the API server, may be reached. A load balancer before the API server belongs in here, too.',
      why: 'Both ask for a key or a certificate. Still most of those who ask need not be heard. Should the list keep you out yourself, the host takes it back after three minutes.',
      byDefault: 'anywhere',
      wanted: 'a list of 1 to 100 entries',
      examples: [['192.0.2.0/24']],
    }),
  allow: z
    .array(allowance)
    .max(200)
    .default([])
    .meta({
      description:
        'What else may be reached on the hosts themselves. NodePorts, and what the control plane, the network plugin and keepalived need, always may.',
      why: 'Pods that share the network of their host (an ingress controller, node-exporter, storage) listen on ports only you know. What is sent to a Service, a NodePort or a pod is passed on, not received by the host: that is for NetworkPolicies to decide.',
      byDefault: 'nothing else',
      wanted: 'a list of 200 entries at most',
      examples: [[{ port: 9100, from: ['nodes'] }]],
    }),
});
