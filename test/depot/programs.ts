import { join } from 'node:path';
import { exec } from './exec.ts';
import { goRecipe } from './go.ts';
import {
  cniModule,
  cniPlugins,
  containerdModule,
  containerdPrograms,
  coreDnsModule,
  crictlModule,
  crioModule,
  etcdModule,
  flannelModule,
  runcModule,
} from './gomodules.ts';
import { pinnedFolder } from './module.ts';
import type { Recipe } from './recipe.ts';

/** etcd, etcdctl and etcdutl. */
export const etcd = (version: string): Recipe =>
  goRecipe({
    title: `etcd ${version}`,
    module: etcdModule(version),
    programs: {
      etcd: 'go.etcd.io/etcd/server/v3',
      etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
      etcdutl: 'go.etcd.io/etcd/etcdutl/v3',
    },
    seconds: 37,
    packages: 585,
  });

/** CoreDNS. */
export const coreDns = (version: string): Recipe =>
  goRecipe({
    title: `CoreDNS ${version}`,
    module: coreDnsModule(version),
    programs: { coredns: 'github.com/coredns/coredns' },
    set: { 'github.com/coredns/coredns/coremain.GitCommit': 'depot' },
    seconds: 125,
    packages: 1330,
  });

/** crictl, which reports the version it is told to. */
export const crictl = (version: string): Recipe =>
  goRecipe({
    title: `crictl ${version}`,
    module: crictlModule(version),
    programs: { crictl: 'sigs.k8s.io/cri-tools/cmd/crictl' },
    set: { 'sigs.k8s.io/cri-tools/pkg/version.Version': `v${version}` },
    seconds: 27,
    packages: 630,
  });

/** The CNI plugins. */
export const cniPluginsOf = (version: string): Recipe =>
  goRecipe({
    title: `CNI plugins ${version}`,
    module: cniModule(version),
    programs: Object.fromEntries(
      cniPlugins.map((plugin) => [
        plugin.slice(plugin.indexOf('/') + 1),
        `github.com/containernetworking/plugins/plugins/${plugin}`,
      ]),
    ),
    set: {
      'github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion': `v${version}`,
    },
    seconds: 13,
    packages: 285,
  });

/** runc, as statically linked as upstream's. */
export const runc = (version: string): Recipe =>
  goRecipe({
    title: `runc ${version}`,
    module: runcModule(version),
    programs: { runc: 'github.com/opencontainers/runc' },
    static: { tags: ['seccomp'] },
    seconds: 9,
    packages: 260,
    tools: ['libseccomp-dev'],
  });

/** containerd, its shim and its client. */
export const containerd = (version: string): Recipe =>
  goRecipe({
    title: `containerd ${version}`,
    module: containerdModule(version),
    programs: Object.fromEntries(
      containerdPrograms.map((name) => [name, `github.com/containerd/containerd/v2/cmd/${name}`]),
    ),
    set: { 'github.com/containerd/containerd/v2/version.Version': `v${version}` },
    seconds: 60,
    packages: 900,
  });

/** crio, statically linked as upstream's. */
export const crio = (version: string): Recipe =>
  goRecipe({
    title: `CRI-O ${version}`,
    module: crioModule(version),
    programs: { crio: 'github.com/cri-o/cri-o/cmd/crio' },
    static: {
      tags: ['containers_image_openpgp', 'exclude_graphdriver_btrfs', 'libsqlite3', 'seccomp'],
      libraries: ['-lm'],
    },
    seconds: 90,
    packages: 1130,
    tools: ['libseccomp-dev', 'libsqlite3-dev'],
  });

/** flanneld, `install-conf` and the CNI plugin `flannel`; and upstream's manifest of that release. */
export function flannel(version: string): Recipe {
  const programs = goRecipe({
    title: `flannel ${version}`,
    module: flannelModule(version),
    programs: {
      flanneld: './flanneld',
      flannel: './flannel',
      'install-conf': 'github.com/flannel-io/flannel/cmd/install_conf',
    },
    static: { tags: [] },
    set: { 'github.com/flannel-io/flannel/pkg/version.Version': `v${version}` },
    seconds: 60,
    packages: 590,
  });
  return {
    ...programs,
    async build(work) {
      await programs.build(work);
      const folder = await pinnedFolder(`flannel-${version}`, `github.com/flannel-io/flannel@v${version}`);
      await exec(['cp', join(folder, 'Documentation/kube-flannel.yml'), work.out]);
    },
  };
}

/** The `pause` program under the names of the tags asked for: a small C program of the Kubernetes module. */
export function pause(tags: readonly string[], kubernetes: string): Recipe {
  return {
    id: 'pause',
    title: 'pause',
    inputs: { tags: tags.join(' '), kubernetes },
    needs: [],
    seconds: 2,
    tools: ['go', 'gcc', 'libc6-dev'],
    async build({ out, scratch }) {
      const folder = await pinnedFolder(`kubernetes-${kubernetes}`, `k8s.io/kubernetes@v${kubernetes}`);
      const source = join(scratch, 'pause.c');
      await exec(['cp', join(folder, 'build/pause/linux/pause.c'), source]);
      for (const tag of tags)
        await exec([
          'gcc',
          '-Os',
          '-s',
          '-static',
          `-DVERSION=v${tag}`,
          '-o',
          join(out, `pause-${tag}`),
          source,
        ]);
    },
  };
}

/** CRI-O's `pinns`, which makes the namespaces of pods. */
export function pinns(version: string): Recipe {
  return {
    id: `pinns-${version}`,
    title: `pinns of CRI-O ${version}`,
    inputs: { version },
    needs: [],
    seconds: 2,
    tools: ['go', 'gcc', 'libc6-dev'],
    async build({ out }) {
      const folder = join(
        await pinnedFolder(`cri-o-${version}`, `github.com/cri-o/cri-o@v${version}`),
        'pinns/src',
      );
      const sources = ['pinns.c', 'sysctl.c'].map((name) => join(folder, name));
      await exec([
        'gcc',
        '-std=c99',
        '-Os',
        '-s',
        '-static',
        '-o',
        join(out, 'pinns'),
        ...sources,
        `-DVERSION="${version}"`,
      ]);
    },
  };
}
