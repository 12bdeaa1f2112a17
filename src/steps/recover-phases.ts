import { controlPlanes } from '../model/cluster.ts';
import type { Phase } from './phase.ts';
import { recoverEndSteps, recoverSteps, stoppedStep } from './recover.ts';
import { recoverChecks } from './recover-checks.ts';
import type { Recovering } from './recover-data.ts';

/**
 * A recovery: what must be so, what others that answer must end, what is done on the survivor, and what the cluster forgets when it answers
 * again.
 */
export function recoverPhases(
  recovering: Recovering,
): readonly [look: Phase, stop: Phase, recover: Phase, end: Phase] {
  const on: Phase['on'] = (cluster) => controlPlanes(cluster).slice(0, 1);
  return [
    {
      id: 'recover-look',
      title: 'Look before anything is touched',
      why: 'What would stop a recovery in its middle is found while everything is still as it was.',
      stage: 'seat',
      on,
      when: 'always',
      steps: () => recoverChecks(recovering.snapshot),
    },
    {
      id: 'recover-others',
      title: 'Stop what is left of the old control plane',
      why: 'There must never be two of them. Their data stay as they are until the new one answers.',
      stage: 'nodes',
      on: (cluster) => controlPlanes(cluster).slice(1),
      when: 'always',
      steps: (scene) => [stoppedStep(scene)],
    },
    {
      id: 'recover',
      title: 'Begin etcd anew out of what is left',
      why: 'More than half of etcd’s members are gone, so what is left of it can decide nothing any more. One member that has the data and is all of its cluster can.',
      stage: 'seat',
      on,
      when: 'always',
      steps: (scene) => recoverSteps(scene, recovering),
    },
    {
      id: 'recover-end',
      title: 'Forget who is gone',
      why: 'The data are of a moment before the loss, and know members and nodes that are no more.',
      stage: 'seat',
      on,
      when: 'always',
      steps: (scene) => recoverEndSteps(scene, recovering),
    },
  ];
}
