import { KUBERNETES_PACKAGES, type PinnedPackage, RUNTIME_PACKAGES } from '../model/lock.ts';
import { runtimeOf } from '../model/runtime.ts';
import { sh } from '../shell/sh.ts';
import { APT_CLUES } from './clues.ts';
import { fetch } from './fetch.ts';
import { concernsFirewall } from './firewall.ts';
import { draft, file, folder, putBack, inPlace } from './kinds/file.ts';
import { install, packagesProbe, uninstall, updateIndexes, type WantedPackage } from './kinds/packages.ts';
import { minorOf } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Probe, Step } from './step.ts';

/** Upstream's repository of a Kubernetes minor: a flat folder, `…/`. */
export function kubernetesRepository(minor: string): string {
  return `https://pkgs.k8s.io/core:/stable:/v${minor}/deb/`;
}

/** CRI-O's repository of a minor, built by its own project: a flat folder, `…/`. */
export function crioRepository(minor: string): string {
  return `https://download.opensuse.org/repositories/isv:/cri-o:/stable:/v${minor}/deb/`;
}

/**
 * Docker's repository for the distribution a host has: `…/linux/debian`. It is of one release each, not of a minor of Kubernetes.
 * @param os the distribution's ID, as one word.
 */
export function dockerRepository(os: string): string {
  return `https://download.docker.com/linux/${os}`;
}

/** Whose packages are spoken of: what one node is to have. */
type Whose = Pick<Scene, 'cluster' | 'lock' | 'node' | 'facts'>;

/** The pinned packages in the order dpkg lists them. */
export function pinned({ cluster, lock, node, facts }: Whose): readonly Required<WantedPackage>[] {
  const runtime = RUNTIME_PACKAGES[runtimeOf(cluster, node)];
  const own = (name: PinnedPackage): string => {
    const version = lock.packages[name];
    if (version === undefined) throw new Error(`the lock was resolved without ${name}`);
    // Docker names the release a package is for in its version.
    return name === 'containerd.io' ? `${version}~${facts.os}.${facts.osVersion}~${facts.codename}` : version;
  };
  return [...KUBERNETES_PACKAGES, runtime].sort().map((name) => ({ name, version: own(name) }));
}

/** Packages of the distribution that belong to it, at whichever version it has: `nft` shows and removes kube-proxy's rules. */
export const COMPANIONS = ['nftables'] as const;

/** What dpkg says of the packages that matter here. */
export function packages(whose: Whose): Probe {
  return packagesProbe([...pinned(whose).map(({ name }) => name), ...COMPANIONS]);
}

/** What {@link packages} prints, reduced to `NAME VERSION STATUS`, when every pinned package is there at its version. */
function installedLines(whose: Whose): string {
  return pinned(whose)
    .map(({ name, version }) => `${name} ${version} installed`)
    .join('\n');
}

/** `$have` becomes the lines of {@link packages}, `$want` what they should be: for readings that fall silent once all is there. */
export function haveAndWant(whose: Whose) {
  return sh`
    have=$(probe packages | awk ${`${COMPANIONS.map((c) => `$1 == "${c}" { next }`).join(' ')} { print $1, $2, $4 }`})
    want=${installedLines(whose)}`;
}

interface Repository {
  readonly name: string;
  readonly id: 'kubernetes' | 'crio' | 'docker';
  /** Why it is asked, and nobody else. */
  readonly why: string;
  /** What stands behind `deb [signed-by=…]` in apt's list. */
  readonly line: string;
  readonly keyAddress: string;
  readonly sha256: string;
  readonly key: string;
  readonly list: string;
  readonly see: string;
}

function repositorySteps({
  name,
  id,
  why,
  line,
  keyAddress,
  sha256,
  key,
  list,
  see,
}: Repository): readonly Step[] {
  return [
    {
      id: `packages/${id}-key`,
      title: `Trust the key of the ${name} repository`,
      why: `apt installs what this key has signed, as root. The key is fetched once and its fingerprint kept in landfall.lock; another key, on another day or another host, is refused.`,
      see: [see],
      read: sh`if [ -e ${key} ]; then stat -c '%04a %U:%G' ${key}; sha256sum <${key} | cut -c 1-64; else echo absent; fi`,
      want: `0644 root:root\n${sha256}`,
      make: sh`
        mkdir -p ${folder(key)}
        ${fetch(keyAddress, draft(key))}
        sum=$(sha256sum <${draft(key)} | cut -c 1-64)
        if [ "$sum" != ${sha256} ]; then echo "the key fetched has the SHA-256 $sum, accepted was "${sha256}; exit 1; fi
        chmod 0644 ${draft(key)}
        ${inPlace(key)}`,
      undo: putBack(key),
      writes: [key],
      clues: [
        {
          match: /^the key fetched has the SHA-256/,
          means: 'the repository now shows another key than the one landfall.lock was written with',
          try: `look at ${keyAddress} from another network; when the change is rightful, remove keys: from landfall.lock`,
          diagnosis: 'H07',
        },
        ...APT_CLUES,
      ],
    },
    file(
      { id: `packages/${id}-list`, title: `Tell apt of the ${name} repository`, why, see: [see] },
      { path: list, content: `deb [signed-by=${key}] ${line}\n` },
    ),
  ];
}

/** A repository that has a folder for each minor: what is in it, its key too, lies flat. */
function flat(url: string): Pick<Repository, 'line' | 'keyAddress'> {
  return { line: `${url} /`, keyAddress: `${url}Release.key` };
}

/** Why a repository of a minor's own is asked. */
const oldOrMissing = (name: string): string =>
  `The distribution's own packages of ${name} are old or missing. There is one repository for each minor version, so that nothing moves to the next minor by itself.`;

/** Where the node's runtime comes from. */
export function runtimeRepository({ cluster, lock, node, facts }: Whose): readonly Step[] {
  if (runtimeOf(cluster, node) === 'cri-o') {
    return repositorySteps({
      name: 'CRI-O',
      id: 'crio',
      why: oldOrMissing('CRI-O'),
      ...flat(crioRepository(minorOf(lock.kubernetes))),
      sha256: lock.keys.crio ?? '',
      key: FILES.crioKey,
      list: FILES.crioList,
      see: 'https://github.com/cri-o/packaging/blob/main/README.md',
    });
  }
  const url = dockerRepository(facts.os);
  return repositorySteps({
    name: 'Docker',
    id: 'docker',
    why: 'The distribution’s own containerd is of a series that is mended no more, and kubelet will soon refuse it. containerd’s own project publishes no packages; Docker builds them, for each release of the distribution. Nothing else of Docker is installed.',
    line: `${url} ${facts.codename} stable`,
    keyAddress: `${url}/gpg`,
    sha256: lock.keys.docker ?? '',
    key: FILES.dockerKey,
    list: FILES.dockerList,
    see: 'https://github.com/containerd/containerd/blob/main/docs/getting-started.md',
  });
}

/** Where packages come from, which, and that they stay. */
export function packageSteps(scene: Scene): readonly Step[] {
  const { lock } = scene;
  const minor = minorOf(lock.kubernetes);
  const names = pinned(scene).map(({ name }) => name);
  return [
    ...repositorySteps({
      name: 'Kubernetes',
      id: 'kubernetes',
      why: oldOrMissing('Kubernetes'),
      ...flat(kubernetesRepository(minor)),
      sha256: lock.keys.kubernetes,
      key: FILES.kubernetesKey,
      list: FILES.kubernetesList,
      see: 'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/',
    }),
    ...runtimeRepository(scene),
    {
      id: 'packages/known',
      title: 'Let apt know the versions',
      why: 'apt installs from the index it fetched last. Versions newer than that, and whole repositories, do not exist for it until it has looked again.',
      see: ['https://kubernetes.io/releases/', 'man 8 apt-get'],
      probes: [packages(scene)],
      read: sh`
        ${haveAndWant(scene)}
        if [ "$have" = "$want" ]; then echo known
        else
          seen=$(apt-cache madison ${names} 2>/dev/null | awk -F ' *[|] *' '{ gsub(/ /, "", $1); print $1 " " $2 }')
          missing=$(printf '%s\n' "$want" | while read -r name version _; do
            printf '%s\n' "$seen" | grep -qxF "$name $version" || echo "not known: $name $version"
          done)
          echo "$missing" | sed 's/^$/known/'
        fi`,
      want: 'known',
      make: updateIndexes,
      undo: sh`rm -f /var/lib/apt/lists/pkgs.k8s.io_* /var/lib/apt/lists/download.opensuse.org_repositories_isv:_cri-o:* /var/lib/apt/lists/download.docker.com_linux_*`,
      clues: APT_CLUES,
    },
    {
      id: 'packages/installed',
      title: 'Install the packages, at exactly these versions',
      why: 'kubeadm, kubelet and the API server must fit each other to the minor, and every node must be like the next. So versions are written down in landfall.lock and never left to the day of installation. nft comes with them: kube-proxy writes its rules with it, and so they can be looked at.',
      see: ['https://kubernetes.io/releases/version-skew-policy/'],
      disturbs: 'service',
      probes: [packages(scene)],
      read: sh`probe packages | awk ${`${COMPANIONS.map((c) => `$1 == "${c}" { print $1, $4; next }`).join(' ')} { print $1, $2, $4 }`}`,
      want: [installedLines(scene), ...COMPANIONS.map((name) => `${name} installed`)].sort().join('\n'),
      make: install([...pinned(scene), ...COMPANIONS.map((name) => ({ name }))]),
      // A firewall is undone after this, and with nft.
      undo: uninstall(concernsFirewall(scene) ? names : [...names, ...COMPANIONS]),
      clues: APT_CLUES,
    },
    {
      id: 'packages/hold',
      title: 'Keep the packages where they are',
      why: 'An ordinary apt upgrade would move kubelet past the API server, or the runtime under its pods, on one node at a time and at no good moment. A held package moves only when it is told to.',
      see: ['man 8 apt-mark'],
      probes: [packages(scene)],
      read: sh`probe packages | awk '$3 == "hold" { print $1 }'`,
      want: names.join('\n'),
      make: sh`apt-mark hold ${names}`,
      undo: sh`apt-mark unhold ${names} || :`,
    },
  ];
}
