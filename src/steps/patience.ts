import type { Probe, Step } from './step.ts';

/** Seconds an API server that is overloaded may take to tell what has just been written to it. */
const PATIENCE = 30;

const asksApi = ({ name, needs, partOf }: Probe): boolean =>
  name === 'api' || [needs, partOf].some((other) => other !== undefined && asksApi(other.probe));

/**
 * What a step has written to the API server it reads there, too. One answer that does not come, as etcd or the machine is busy for a
 * moment, is no proof that it has not been made: it is asked for again for a while, unless the step says itself how long.
 */
export function patient(step: Step): Step {
  if (step.make === undefined || step.within !== undefined || !(step.probes ?? []).some(asksApi)) return step;
  return { ...step, within: PATIENCE, awaits: 'the API server' };
}
