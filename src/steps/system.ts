import { completionSteps } from './completion.ts';
import { newerKernelSteps } from './linux.ts';
import type { Scene } from './phase.ts';
import { purgeSteps } from './purge.ts';
import { rebootSteps } from './reboot.ts';
import type { Step } from './step.ts';
import { aptAside, updateSteps } from './updates.ts';
import { upgradeSteps } from './upgrade.ts';

/** The host's own packages and its kernel. A reboot, when one is waited for, comes last: once for all of them. */
export function systemSteps(scene: Scene): readonly Step[] {
  return [
    aptAside(),
    ...purgeSteps(scene),
    ...upgradeSteps(scene),
    ...newerKernelSteps(scene),
    ...updateSteps(scene),
    ...completionSteps(scene),
    ...rebootSteps(scene),
  ];
}
