import * as z from 'zod';
import { KEEPERS, SERVING, SUPER_ADMIN } from '../model/certificates.ts';
import { ISSUER } from './format.ts';

/** The section `certificates`. */
export const certificates = z.strictObject({
  validity: z
    .int()
    .min(7)
    .max(3650)
    .default(365)
    .meta({
      description:
        'The days a certificate of the control plane is valid. Another number counts from the next renewal on.',
      why: 'What is signed for long is stolen for long. A year is what kubeadm gives, and far more than a renewal that works needs.',
      wanted: 'a number of days',
      format: 'a whole number from 7 to 3650',
      examples: [365],
    }),
  renewBefore: z
    .int()
    .min(1)
    .max(3649)
    .default(90)
    .meta({
      description: 'The days before its end a certificate of the control plane is renewed.',
      why: 'All of them are made in the same minute and end in the same minute, the whole control plane with them. Three months are time to notice a renewal that does not come.',
      wanted: 'a number of days',
      format: 'a whole number, fewer than `validity`',
      examples: [90],
    }),
  renewal: z
    .enum(KEEPERS)
    .default('timer')
    .meta({
      description:
        'Who renews them: `timer`, each control plane by itself, looking once a day at an hour of its own; or `apply`, only when you run it.',
      why: 'A cluster that nobody touches for a year is a cluster that works well, until that year is over. With `apply` somebody must come by in time.',
      examples: ['timer', 'apply'],
    }),
  authorityValidity: z
    .int()
    .min(730)
    .max(36_500)
    .default(3650)
    .meta({
      description: 'The days the authorities of a new cluster are valid. Decided when the cluster is made.',
      why: 'An authority has to be exchanged by hand, on every node and in every kubeconfig: it should outlive the cluster.',
      wanted: 'a number of days',
      format: 'a whole number from 730 to 36500',
      examples: [3650],
    }),
  authorityNotice: z
    .int()
    .min(0)
    .max(3650)
    .default(365)
    .meta({
      description:
        'The days before an authority’s end from which on `plan` and `apply` tell of it; 0: never.',
      why: 'With an authority ends everything it has signed. Exchanging one is planned for months, not found out on the day.',
      wanted: 'a number of days',
      format: 'a whole number from 0 to 3650',
      examples: [365],
    }),
  kubelets: z
    .enum(SERVING)
    .default('signed')
    .meta({
      description:
        'Whose certificate kubelets serve: `signed` by the cluster’s authority, which the API server then insists on; or `self-signed`, which nobody can check.',
      why: 'The API server sends commands and secrets of `kubectl exec` to whoever answers at a node’s address, and metrics are read from there. Going back to `self-signed` leaves nodes as they are.',
      examples: ['signed', 'self-signed'],
    }),
  approval: z
    .enum(KEEPERS)
    .default('timer')
    .meta({
      description:
        'Who vouches for the certificates kubelets ask for: `timer`, the control planes, looking every five minutes; or `apply`, only when you run it. Either way a request is granted only for the very name and address cluster.yaml gives that node.',
      why: 'Kubernetes signs such requests but grants none. Each kubelet asks anew within a year, and a request nobody grants is forgotten after a day. With `apply` something of your own has to grant them.',
      examples: ['timer', 'apply'],
    }),
  superAdmin: z
    .enum(SUPER_ADMIN)
    .default('remove')
    .meta({
      description:
        'What becomes of super-admin.conf on the first control plane once the cluster is made: `remove` or `keep`.',
      why: 'It may do everything, whatever the cluster’s rules say, and cannot be taken back before it ends. Who has root on a control plane can make it anew when it is needed: kubeadm init phase kubeconfig super-admin.',
      examples: ['remove', 'keep'],
    }),
  tokenIssuer: z
    .string()
    .regex(ISSUER)
    .optional()
    .meta({
      description:
        'The URL that names this cluster in the tokens of its service accounts. Decided when the cluster is made.',
      why: 'Clouds and vaults that are to trust these tokens must tell one cluster from another, and find its keys at a URL of yours. Changed later, it makes every token that is out worthless.',
      byDefault: '`https://kubernetes.default.svc.DOMAIN`, the same in every cluster of that domain',
      wanted: 'an https URL',
      format: 'https://, a lower-case name and a path where there is one: https://tokens.example.com/harbour',
      examples: ['https://tokens.example.com/harbour'],
    }),
});
