import { Problem } from '../../src/model/problem.ts';
import { crun } from './crun.ts';
import { debian, debianForHosts } from './debian.ts';
import type { ImageParts } from './image.ts';
import { agnhostImage, flannelImages, pauseImages } from './images.ts';
import { kubernetesImages } from './kubernetesImages.ts';
import { nginxImage } from './nginxImage.ts';
import { kubernetes } from './kubernetes.ts';
import { containerdPackage } from './containerdPackage.ts';
import { crioPackage } from './crioPackage.ts';
import { kubernetesPackages } from './packages.ts';
import {
  cniPluginsOf,
  containerd,
  coreDns,
  crictl,
  crio,
  etcd,
  flannel,
  pause,
  pinns,
  runc,
} from './programs.ts';
import type { Recipe } from './recipe.ts';
import { common, type Release, releases } from './release.ts';

/** What a depot is put together from: finished artefacts, and where each goes. */
export interface Contents {
  readonly releases: readonly Release[];
  /** Code name of each Debian release hosts may have → the parts the depot has of it. */
  readonly suites: Readonly<Record<string, readonly Recipe[]>>;
  /** Kubernetes' packages, in the order of `releases`. */
  readonly kubernetes: readonly Recipe[];
  /** CRI-O's packages, in the order of `releases`. */
  readonly crio: readonly Recipe[];
  /** containerd's package, for every release it is made for; nothing when it was not asked for. */
  readonly containerd: readonly Recipe[];
  /** Folders of OCI layouts, each to be merged into the registry. */
  readonly images: readonly Recipe[];
  readonly flannel: Recipe;
}

/** Gives everything a depot takes its files from. */
export function partsOf(contents: Contents): readonly Recipe[] {
  const { suites, kubernetes, crio, containerd, images, flannel } = contents;
  return [...Object.values(suites).flat(), ...kubernetes, ...crio, ...containerd, ...images, flannel];
}

/**
 * Gives the contents of a depot for some Kubernetes versions.
 *
 * @param more what only some ask for: containerd, beside CRI-O
 * @throws Problem when a version is not one that can be built
 */
export function contentsFor(
  versions: readonly string[],
  more: { readonly containerd?: boolean } = {},
): Contents {
  const unknown = versions.find((version) => !releases.some(({ kubernetes }) => kubernetes === version));
  if (unknown !== undefined)
    throw new Problem({
      code: 'depot/version',
      summary: `Kubernetes ${unknown} cannot be built here`,
      why: 'each version needs its modules pinned and companions chosen (test/depot/release.ts)',
      try: `one of ${releases.map(({ kubernetes }) => kubernetes).join(', ')}`,
      exit: 2,
    });
  const chosen = releases.filter(({ kubernetes }) => versions.includes(kubernetes)); // newest first, each once
  const [newest] = releases as readonly [Release, ...Release[]];
  const recipes = new Map<string, Recipe>();
  /** One recipe object for one thing, however often it is asked for. */
  const one = (recipe: Recipe): Recipe => {
    const known = recipes.get(recipe.id);
    if (known === undefined) recipes.set(recipe.id, recipe);
    return known ?? recipe;
  };
  const shared = {
    debian: one(debian('bookworm')),
    flannel: one(flannel(common.flannel)),
    pause: one(pause(common.pause, newest.kubernetes)),
  };
  const parts = (release: Release): ImageParts => ({
    ...shared,
    kubernetes: one(kubernetes(release.kubernetes)),
    etcd: one(etcd(release.etcd)),
    coredns: one(coreDns(release.coredns)),
  });
  const tools = { crictl: one(crictl(common.crictl)), cniPlugins: one(cniPluginsOf(common.cniPlugins)) };
  const runtimes = { crun: one(crun(common.crun.version, common.crun.sum)), runc: one(runc(common.runc)) };
  const first = parts(chosen[0] ?? newest);
  return {
    releases: chosen,
    suites: {
      bookworm: [shared.debian, debianForHosts('bookworm')],
      trixie: [debian('trixie'), debianForHosts('trixie')],
    },
    flannel: shared.flannel,
    kubernetes: chosen.map((release) =>
      kubernetesPackages(release, common.cniPlugins, { ...tools, kubernetes: parts(release).kubernetes }),
    ),
    crio: chosen.map((release) =>
      crioPackage(release.crio, {
        ...runtimes,
        debian: shared.debian,
        crio: one(crio(release.crio)),
        pinns: one(pinns(release.crio)),
      }),
    ),
    containerd:
      more.containerd === true
        ? [
            containerdPackage(common.containerd, {
              containerd: one(containerd(common.containerd)),
              runc: runtimes.runc,
            }),
          ]
        : [],
    images: [
      ...chosen.map((release) => kubernetesImages(release, parts(release))),
      pauseImages(common.pause, first),
      agnhostImage(common.agnhost, first),
      flannelImages(`v${common.flannel}`, `v${common.flannelPlugin}`, first),
      nginxImage(common.nginx, first),
    ],
  };
}
