import * as z from 'zod';
import { PATH, REGISTRY, REGISTRY_USER, VARIABLE } from './format.ts';
import { PATH_WORDS } from './schema-hosts.ts';

const place = {
  wanted: 'a registry',
  format:
    'a lower-case name or an address, with a port where it has one, and a path in it after a slash: no https://, no tag',
};

const mirror = z.strictObject({
  of: z
    .string()
    .regex(REGISTRY)
    .meta({
      description:
        'The registry it stands for, or a part of one, as it stands before the names of its images.',
      ...place,
      examples: ['registry.k8s.io', 'ghcr.io/flannel-io'],
    }),
  at: z
    .string()
    .regex(REGISTRY)
    .meta({
      description: 'Where the same images are, under the same names and digests.',
      ...place,
      examples: ['mirror.example.com:5000/k8s'],
    }),
  insecure: z
    .boolean()
    .default(false)
    .meta({
      description: 'Whether it may be without TLS, or with a certificate nobody vouches for.',
      why: 'Anybody on the way could then serve images of their own, which run as root. For a registry of your own authority, say so in `trust`.',
      examples: [false],
    }),
});

const login = z.strictObject({
  at: z
    .string()
    .regex(REGISTRY)
    .meta({
      description: 'The registry, or the part of one, that asks who pulls. Of a mirror, the mirror.',
      ...place,
      examples: ['mirror.example.com:5000'],
    }),
  user: z
    .string()
    .regex(REGISTRY_USER)
    .meta({
      description: 'The name to pull under: one that may read, and nothing else.',
      wanted: 'the name of a user of a registry',
      format: 'letters, digits and `_ . @ $ + / = -`, not beginning with a hyphen',
      examples: ['puller'],
    }),
  passwordFile: z
    .string()
    .regex(PATH)
    .optional()
    .meta({
      description:
        'The file the password is in, on your own machine; a path relative to cluster.yaml. Either this or `passwordVariable`.',
      why: 'The password itself is never written here: this file belongs in git.',
      ...PATH_WORDS,
      examples: ['~/.secrets/mirror'],
    }),
  passwordVariable: z
    .string()
    .regex(VARIABLE)
    .optional()
    .meta({
      description: 'The variable of your environment the password is in. Either this or `passwordFile`.',
      why: 'As a CI hands out its secrets.',
      wanted: 'the name of a variable',
      format: 'letters, digits and `_`, not beginning with a digit',
      examples: ['MIRROR_PASSWORD'],
    }),
});

/** The section `registries`: where the runtime pulls images from, and as whom. */
export const registries = z.strictObject({
  mirrors: z
    .array(mirror)
    .max(100)
    .default([])
    .meta({
      description:
        'Other places that have the images of a registry. Those of one registry are tried in this order, and after all of them the registry itself.',
      why: 'Names of images stay what they are everywhere, in kubeadm and in every chart; only the way to them is another. What a mirror serves must have the digest landfall.lock knows.',
      byDefault: 'none',
      wanted: 'a list of mirrors, 100 at most',
      examples: [[{ of: 'registry.k8s.io', at: 'mirror.example.com/k8s' }]],
    }),
  logins: z
    .array(login)
    .max(100)
    .default([])
    .meta({
      description: 'Who pulls, where a registry or a mirror asks.',
      why: 'Kept by the runtime, for kubeadm and every pod of every namespace alike; for a team of its own, an imagePullSecret is better.',
      byDefault: 'nobody: pulled without a name',
      wanted: 'a list of logins, 100 at most',
      examples: [[{ at: 'mirror.example.com', user: 'puller', passwordFile: '~/.secrets/mirror' }]],
    }),
});
