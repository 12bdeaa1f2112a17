import { join } from 'node:path';
import { code } from './code.ts';
import { addImage, type ImageConfig, type Layer } from './oci.ts';
import { epochText } from './deb.ts';
import type { Recipe } from './recipe.ts';

/** Gives the input that stands for the code all images are made by, and the file that makes one. */
export const imageCode = (file: string): string =>
  code(file, 'base.ts', 'image.ts', 'oci.ts', 'tar.ts', 'rootfs.ts');

/** The `PATH` of upstream's images. */
export const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What an image's recipe needs. */
export interface ImageParts {
  readonly debian: Recipe;
  readonly kubernetes: Recipe;
  readonly etcd: Recipe;
  readonly coredns: Recipe;
  readonly flannel: Recipe;
  readonly pause: Recipe;
}

/** An image to be put into a depot's registry folder. */
export interface Image {
  /** With registry host and tag: `registry.k8s.io/pause:3.10`. */
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
  /** What is really inside, `CoreDNS 1.14.3`: said in a label. */
  readonly from: string;
}

/** Splits an image's name into its repository and tag. */
export function splitName(name: string): { readonly repository: string; readonly tag: string } {
  const colon = name.lastIndexOf(':');
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

/**
 * Puts an image into the layout of its repository under a folder.
 *
 * @returns its digest
 */
export function putImage(registry: string, { name, layers, config, from }: Image): Promise<string> {
  const { repository, tag } = splitName(name);
  const Labels = {
    'org.opencontainers.image.title': repository,
    'org.opencontainers.image.version': tag,
    'landfall.depot.built-from': from,
  };
  const full = { WorkingDir: '/', ...config, Env: [path, ...(config.Env ?? [])], Labels };
  return addImage(join(registry, repository), tag, layers, full, epochText);
}
