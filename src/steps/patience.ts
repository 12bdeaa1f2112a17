import { OVERDUE } from '../shell/compile.ts';
import { TIMED_OUT } from './clues.ts';
import type { Probe, Step } from './step.ts';

/** Seconds an API server that is overloaded may take to tell what has just been written to it. */
const PATIENCE = 30;

/**
 * What kubectl says when the API server, or etcd behind it, has given no answer in time, is just coming up, or was cut off within one, as
 * when a virtual address moves: it may have heard, or not. An extended regular expression.
 */
export const UNANSWERED = [
  OVERDUE,
  TIMED_OUT,
  'connection reset by peer',
  'client connection lost',
  'when reading response body',
  'Unable to connect to the server: .*(EOF|GOAWAY)',
  'was refused - did you specify',
  '\\[-\\][a-z0-9/-]+ failed: reason withheld',
  'etcdserver: (request timed out|leader changed)',
  'Error from server \\((Timeout|TooManyRequests|ServiceUnavailable)\\)',
  'currently unable to handle the request',
].join('|');

const asksApi = ({ name, needs, partOf }: Probe): boolean =>
  name === 'api' || [needs, partOf].some((other) => other !== undefined && asksApi(other.probe));

/**
 * What a step writes to the API server it reads there, too. One answer that does not come, as etcd or the machine is busy for a
 * moment, is no proof that it cannot be made or has not been: it is made again, and asked for again, for a while, unless the step says
 * itself how long. What restarts something is made once: whether it has is to be looked at first.
 */
export function patient(step: Step): Step {
  if (step.make === undefined || !(step.probes ?? []).some(asksApi)) return step;
  return {
    ...step,
    ...(step.disturbs === undefined ? { again: UNANSWERED } : {}),
    ...(step.within === undefined ? { within: PATIENCE, awaits: 'the API server' } : {}),
  };
}
