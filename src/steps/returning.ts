import { sh } from '../shell/sh.ts';

/** The taints a pod bears, for kubectl's jsonpath: `KEY:OPERATOR:EFFECT `, one after the other. */
export const TOLERATIONS = '{range .spec.tolerations[*]}{.key}:{.operator}:{.effect} {end}';

/**
 * For awk, of a line whose last field is {@link TOLERATIONS}: a node that is closed to new pods takes this one all the same.
 * Asked to go it may come right back, as Calico's operator and Typha do, so nobody can wait until the node has none of its sort.
 */
export const RETURNS = sh`(" " $NF) ~ / :Exists:(NoSchedule)? | node\.kubernetes\.io\/unschedulable:[^: ]*:(NoSchedule)? /`;
