import * as z from 'zod';
import { ENCAPSULATIONS, NETWORK_PLUGINS } from '../model/cluster.ts';
import { LEAST_MTU, MOST_MTU } from '../model/pod-path.ts';

const version = z
  .string()
  .regex(/^\d+\.\d+\.\d+-\d+\.\d+$/)
  .meta({
    wanted: 'a package version',
    format: 'upstream version, revision and build: 1.36.3-1.1',
    examples: ['1.36.3-1.1'],
  });
const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ wanted: 'a SHA-256 sum', format: '64 hexadecimal digits' });

/** A full image reference. */
const REFERENCE = /^[a-z0-9][\w./:@-]{0,511}$/i;

/** landfall.lock as it may be written. */
export const lockFile = z.strictObject({
  apiVersion: z.literal('landfall/v1').meta({ examples: ['landfall/v1'] }),
  kind: z.literal('Lock').meta({ examples: ['Lock'] }),
  kubernetes: z
    .string()
    .regex(/^1\.(0|[1-9]\d?)\.(0|[1-9]\d{0,2})$/)
    .meta({
      description: 'The exact Kubernetes version.',
      wanted: 'an exact version',
      format: 'major, minor and patch: 1.36.3',
      examples: ['1.36.3'],
    }),
  packages: z
    .strictObject({
      kubeadm: version,
      kubelet: version,
      kubectl: version,
      'cri-tools': version,
      'kubernetes-cni': version,
      'cri-o': version.exactOptional(),
      'containerd.io': z
        .string()
        .regex(/^\d+\.\d+\.\d+-\d+$/)
        .exactOptional()
        .meta({
          wanted: 'a package version without its distribution',
          format: 'upstream version and revision: 2.3.5-1',
          examples: ['2.3.5-1'],
        }),
    })
    .meta({ description: 'The version of each pinned package.' }),
  keys: z
    .strictObject({ kubernetes: sha256, crio: sha256.exactOptional(), docker: sha256.exactOptional() })
    .optional()
    .meta({ description: 'The sums of the signing keys the repositories were accepted with.' }),
  network: z
    .strictObject({
      plugin: z.enum(NETWORK_PLUGINS),
      version: z
        .string()
        .regex(/^\d+\.\d+\.\d+$/)
        .optional()
        .meta({ wanted: 'a release', format: 'three numbers: 3.32.1' }),
      encapsulation: z.enum(ENCAPSULATIONS).optional(),
      mtu: z.int().min(LEAST_MTU).max(MOST_MTU).optional(),
      files: z.record(z.string().regex(/^https:\/\/[\w./:~%+-]{1,500}$/), sha256),
      images: z.array(z.string().regex(REFERENCE)),
    })
    .optional()
    .meta({
      description:
        'The release of the network plugin, how its packets travel, the sums of the files it is installed from, and its images.',
    }),
  images: z
    .record(
      z.string().regex(REFERENCE),
      z
        .string()
        .regex(/^sha256:[0-9a-f]{64}$/)
        .meta({ wanted: 'the digest of an image', format: 'sha256: and 64 hexadecimal digits' }),
    )
    .meta({ description: 'The digests of images by reference.' }),
});
