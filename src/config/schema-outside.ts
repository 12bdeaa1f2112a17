import * as z from 'zod';
import { NO_PROXY, PATH, PROXY } from './format.ts';
import { PATH_WORDS } from './schema-hosts.ts';

/** The section `trust`: authorities beside those of the distribution. */
export const trust = z
  .array(
    z
      .string()
      .regex(PATH)
      .meta({
        description: 'A file of CA certificates (PEM), one or several; a path relative to cluster.yaml.',
        ...PATH_WORDS,
        examples: ['./corporate-ca.pem'],
      }),
  )
  .max(20)
  .optional()
  .meta({
    description:
      'Certificate authorities that every host trusts, beside those of its distribution: apt, the runtime and all else that reads the system’s list. Landfall exchanges what it put there when this list changes.',
    why: 'A mirror or a proxy of your own has a certificate of your own; without its authority nothing can be fetched through it but by giving up on certificates.',
    byDefault: 'those of the distribution alone',
    wanted: 'a list of 20 files at most',
    examples: [['./corporate-ca.pem']],
  });

const url = {
  wanted: 'the address of a proxy',
  format: '`http://` or `https://`, a name or IPv4 address, and a port: http://proxy.example.com:3128',
};

/** The section `proxy`. */
export const proxy = z.strictObject({
  http: z
    .string()
    .regex(PROXY)
    .optional()
    .meta({
      description: 'The proxy for http.',
      byDefault: 'none',
      ...url,
      examples: ['http://proxy.example.com:3128'],
    }),
  https: z
    .string()
    .regex(PROXY)
    .optional()
    .meta({
      description: 'The proxy for https, mostly the same one.',
      why: 'Registries and the repositories of Kubernetes and CRI-O are reached by https alone.',
      byDefault: 'none',
      ...url,
      examples: ['http://proxy.example.com:3128'],
    }),
  noProxy: z
    .array(
      z
        .string()
        .regex(NO_PROXY)
        .meta({
          description: 'A name, a domain with a dot before it, an IPv4 address or network.',
          wanted: 'a name, a domain, an address or a network',
          format: 'lower case: `mirror.example.com`, `.example.com`, `10.0.0.1` or `10.0.0.0/8`',
          examples: ['.example.com', '10.0.0.0/8'],
        }),
    )
    .max(100)
    .default([])
    .meta({
      description:
        'What else is reached without the proxy. What the cluster needs by itself always is: the networks of pods and Services, the nodes, the endpoint, `.svc` and the cluster’s domain.',
      why: 'A registry or a mirror beside the hosts is no business of a proxy. apt takes names and addresses of this list, as it knows no domains and networks.',
      byDefault: 'nothing else',
      wanted: 'a list of 100 entries at most',
      examples: [['.example.com', '10.0.0.0/8']],
    }),
});
