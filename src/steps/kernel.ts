import type { HostSettings } from '../model/host-settings.ts';
import { limit } from './kinds/limit.ts';
import { module } from './kinds/module.ts';
import { sysctl } from './kinds/sysctl.ts';
import type { Step } from './step.ts';

const NETWORK = 'https://kubernetes.io/docs/setup/production-environment/container-runtimes/';

/** What the kernel must do for containers and their network. */
export function kernelSteps({ limits }: Pick<HostSettings, 'limits'>): readonly Step[] {
  return [
    module(
      {
        id: 'kernel/overlay',
        title: 'Let the kernel stack file systems',
        why: "An image is a pile of read-only layers, and a container's disk is that pile with a thin layer of its own on top. The overlay file system does the piling; without it the runtime falls back to copying whole images, or refuses.",
        see: ['https://docs.kernel.org/filesystems/overlayfs.html'],
      },
      'overlay',
    ),
    module(
      {
        id: 'kernel/br-netfilter',
        title: 'Let the firewall see bridged packets',
        why: 'Pods of one node talk over a bridge, below the level at which the firewall looks. A Service is made of firewall rules, so without this module a pod cannot reach a Service whose pod is its own neighbour.',
        see: [NETWORK],
        clues: [
          {
            match: /br_netfilter not found|could not insert 'br_netfilter'|br_netfilter.*No such file/,
            means:
              'the running kernel has no br_netfilter module: a cut-down kernel, or one whose modules were removed by an upgrade that still waits for its reboot',
            try: 'reboot into the installed kernel, or install the kernel package that carries its extra modules (linux-modules-extra-*)',
            diagnosis: 'H17',
          },
        ],
      },
      'br_netfilter',
    ),
    sysctl(
      {
        id: 'kernel/bridge-iptables',
        title: 'Show bridged IPv4 packets to the firewall',
        why: 'Loading br_netfilter is half of it: this switch says that IPv4 packets crossing a bridge do pass the firewall rules which Services are made of.',
        see: [NETWORK],
        after: ['kernel/br-netfilter'],
      },
      { key: 'net.bridge.bridge-nf-call-iptables', value: '1' },
    ),
    sysctl(
      {
        id: 'kernel/bridge-ip6tables',
        title: 'Show bridged IPv6 packets to the firewall',
        why: 'IPv6 has a switch of its own. It is on by default once the module is loaded; a hardened image may have turned it off, and then only some traffic fails, which is hard to find.',
        see: [NETWORK],
        after: ['kernel/br-netfilter'],
      },
      { key: 'net.bridge.bridge-nf-call-ip6tables', value: '1' },
    ),
    sysctl(
      {
        id: 'kernel/ip-forward',
        title: 'Let the kernel forward packets',
        why: 'A packet for a pod comes in on one interface and leaves on another. With forwarding off the kernel drops it, and kubeadm refuses to start. It must also survive a reboot: other programs (a firewall, a cloud image) like to turn it off again.',
        see: [NETWORK, 'man 5 sysctl.d'],
        clues: [
          {
            match: /ip_forward.*(Read-only|permission denied)/i,
            means: 'this machine may not change its own kernel settings: it is a container, not a server',
            try: 'use a real server or a virtual machine; a container host needs its own /proc/sys',
            diagnosis: 'H18',
          },
        ],
      },
      { key: 'net.ipv4.ip_forward', value: '1' },
    ),
    limit(
      {
        id: 'kernel/inotify-instances',
        title: 'Let many programs watch files',
        why: 'kubelet, log shippers and many a program in a container wait for files to change. The kernel counts such watchers by user, all containers of root together, and allows 128: then `kubectl logs -f` and the next container end with "too many open files".',
        see: ['man 7 inotify'],
      },
      { key: 'fs.inotify.max_user_instances', value: limits.inotifyInstances },
    ),
    limit(
      {
        id: 'kernel/inotify-watches',
        title: 'Let each program watch many files',
        why: 'A log shipper watches every log of the node, a build or a file server whole trees. The usual limit follows the memory and is small on small machines; the error says "no space left on device" while the disk is half empty.',
        see: ['man 7 inotify'],
      },
      { key: 'fs.inotify.max_user_watches', value: limits.inotifyWatches },
    ),
    limit(
      {
        id: 'kernel/map-count',
        title: 'Let a process map many files',
        why: 'Search engines and databases map each of their files into memory, and refuse to start below a limit the kernel does not have by itself. A pod cannot raise it without being privileged.',
        see: ['https://docs.kernel.org/admin-guide/sysctl/vm.html'],
      },
      { key: 'vm.max_map_count', value: limits.mapCount },
    ),
  ];
}
