import type { GoModule } from './module.ts';

const programs = [
  'kubeadm',
  'kubectl',
  'kubelet',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
];

/** Kubernetes of one version, with the staging modules as they were published beside it. */
export function kubernetesModule(version: string): GoModule {
  return {
    name: `kubernetes-${version}`,
    go: '1.26.0',
    require: { 'k8s.io/kubernetes': `v${version}` },
    staging: { of: 'k8s.io/kubernetes', version: `v0${version.slice(1)}` },
    like: `k8s.io/kubernetes@v${version}`,
    packages: [
      ...programs.map((name) => `k8s.io/kubernetes/cmd/${name}`),
      'k8s.io/component-base/logs/kube-log-runner',
      'k8s.io/kubernetes/test/images/agnhost',
    ],
  };
}

/** etcd with its two tools. */
export function etcdModule(version: string): GoModule {
  const parts = ['server', 'etcdctl', 'etcdutl'].map((part) => `go.etcd.io/etcd/${part}/v3`);
  return {
    name: `etcd-${version}`,
    go: '1.26.0',
    require: Object.fromEntries(parts.map((part) => [part, `v${version}`])),
    packages: parts,
  };
}

/** CRI-O of one version. 1.36.1 was published asking for release candidates of 1.36 libraries: they get the release. */
export function crioModule(version: string): GoModule {
  const staging = [
    'api',
    'apimachinery',
    'client-go',
    'component-base',
    'cri-api',
    'cri-client',
    'cri-streaming',
  ];
  const released = version.startsWith('1.36.') ? [...staging, 'kubelet', 'streaming'] : [];
  return {
    name: `cri-o-${version}`,
    go: '1.26.3',
    require: {
      'github.com/cri-o/cri-o': `v${version}`,
      ...Object.fromEntries(released.map((name) => [`k8s.io/${name}`, 'v0.36.0'])),
    },
    like: `github.com/cri-o/cri-o@v${version}`,
    packages: ['github.com/cri-o/cri-o/cmd/crio'],
  };
}

/** The programs of containerd's package. */
export const containerdPrograms = ['containerd', 'containerd-shim-runc-v2', 'ctr'] as const;

function single(name: string, path: string, version: string, main: string): GoModule {
  return { name: `${name}-${version}`, go: '1.26.2', require: { [path]: `v${version}` }, packages: [main] };
}

export const coreDnsModule = (version: string): GoModule =>
  single('coredns', 'github.com/coredns/coredns', version, 'github.com/coredns/coredns');

export const crictlModule = (version: string): GoModule =>
  single('crictl', 'sigs.k8s.io/cri-tools', version, 'sigs.k8s.io/cri-tools/cmd/crictl');

export const runcModule = (version: string): GoModule =>
  single('runc', 'github.com/opencontainers/runc', version, 'github.com/opencontainers/runc');

/** containerd with its shim and its client. */
export function containerdModule(version: string): GoModule {
  const path = 'github.com/containerd/containerd/v2';
  return {
    name: `containerd-${version}`,
    go: '1.26.3',
    require: { [path]: `v${version}` },
    like: `${path}@v${version}`,
    packages: containerdPrograms.map((name) => `${path}/cmd/${name}`),
  };
}

/** The plugins that upstream's release of the CNI plugins holds for Linux. */
export const cniPlugins = [
  ...['bridge', 'dummy', 'host-device', 'ipvlan', 'loopback', 'macvlan', 'ptp', 'tap', 'vlan'].map(
    (p) => `main/${p}`,
  ),
  ...['dhcp', 'host-local', 'static'].map((p) => `ipam/${p}`),
  ...['bandwidth', 'firewall', 'portmap', 'sbr', 'tuning', 'vrf'].map((p) => `meta/${p}`),
] as const;

/** The CNI plugins. */
export function cniModule(version: string): GoModule {
  return {
    name: `cni-plugins-${version}`,
    go: '1.26.0',
    require: { 'github.com/containernetworking/plugins': `v${version}` },
    packages: cniPlugins.map((plugin) => `github.com/containernetworking/plugins/plugins/${plugin}`),
  };
}

/**
 * flanneld, the program that installs its configuration, and the CNI plugin `flannel`.
 * The Tencent cloud backend is left out: a library it needs is not published as a module any more.
 * The CNI plugin left the CNI plugins' repository after v0.9.1; against today's libraries it speaks today's CNI versions.
 */
export function flannelModule(version: string): GoModule {
  return {
    name: `flannel-${version}`,
    go: '1.26.0',
    require: {
      'github.com/flannel-io/flannel': `v${version}`,
      'github.com/containernetworking/plugins': 'v1.9.1',
      'github.com/containernetworking/cni': 'v1.3.0',
    },
    packages: ['./flanneld', './flannel', 'github.com/flannel-io/flannel/cmd/install_conf'],
    sources: [
      {
        module: `github.com/flannel-io/flannel@v${version}`,
        sum: 'h1:jt+uW6XVV01MBb3YFahG7Ue9UE3W6zlNlJMf3JtdcXI=',
        folder: '.',
        into: 'flanneld',
        without: ['pkg/backend/tencentvpc'],
      },
      {
        module: 'github.com/containernetworking/plugins@v0.9.1',
        sum: 'h1:FD1tADPls2EEi3flPc2OegIY1M9pUa9r2Quag7HMLV8=',
        folder: 'plugins/meta/flannel',
        into: 'flannel',
        without: [],
      },
    ],
  };
}
