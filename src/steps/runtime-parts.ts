import { type Runtime, RUNTIME_TITLES, runtimeOf } from '../model/runtime.ts';
import type { Scene } from './phase.ts';

/** What a container runtime is on a host. */
export interface RuntimeParts {
  /** As people call it. */
  readonly title: string;
  /** Its systemd unit. */
  readonly unit: string;
  readonly program: string;
  /** The path it listens at. */
  readonly socket: string;
}

/** The parts of each runtime. */
export const RUNTIME_PARTS: Readonly<Record<Runtime, RuntimeParts>> = {
  'cri-o': {
    title: RUNTIME_TITLES['cri-o'],
    unit: 'crio',
    program: '/usr/bin/crio',
    socket: '/var/run/crio/crio.sock',
  },
  containerd: {
    title: RUNTIME_TITLES.containerd,
    unit: 'containerd',
    program: '/usr/bin/containerd',
    socket: '/run/containerd/containerd.sock',
  },
};

/** The parts of the runtime a node is to have. */
export function runtimeParts({ cluster, node }: Pick<Scene, 'cluster' | 'node'>): RuntimeParts {
  return RUNTIME_PARTS[runtimeOf(cluster, node)];
}

/** Where a node's runtime listens: the same in kubeadm's file, in crictl's, and in kubelet's. */
export function criSocket(scene: Pick<Scene, 'cluster' | 'node'>): string {
  return `unix://${runtimeParts(scene).socket}`;
}
