import { kernelSteps } from './kernel.ts';
import type { Phase } from './phase.ts';

/** Everything Landfall does, in its order: read this first. Each phase has one reason; each subject has its own file. */
export const PHASES: readonly Phase[] = [
  {
    id: 'prepare',
    title: 'Prepare the host',
    why: 'What the kernel and the host must be like before anything of Kubernetes is installed.',
    stage: 'nodes',
    on: (cluster) => cluster.nodes,
    when: 'always',
    steps: () => kernelSteps(),
  },
];
