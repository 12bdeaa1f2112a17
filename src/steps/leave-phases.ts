import { controlPlanes } from '../model/cluster.ts';
import { forgetSteps, leaveSteps, type Leaving } from './leave.ts';
import type { Phase } from './phase.ts';

/** What the cluster does when a node leaves: before everything is taken back on its host, and after. */
export function leavePhases(leaving: Leaving): readonly [before: Phase, after: Phase] {
  const on: Phase['on'] = (cluster) => controlPlanes(cluster).slice(0, 1);
  return [
    {
      id: 'leave',
      title: 'Let the node go',
      why: 'What runs on it moves, and what counts on it no longer does, while it still answers.',
      stage: 'seat',
      on,
      when: 'always',
      steps: (scene) => leaveSteps(scene, leaving),
    },
    {
      id: 'leave-end',
      title: 'Forget the node',
      why: 'A name the cluster still knows is waited for.',
      stage: 'seat',
      on,
      when: 'always',
      steps: (scene) => forgetSteps(scene, leaving),
    },
  ];
}
