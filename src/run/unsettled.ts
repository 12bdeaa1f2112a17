import { Problem } from '../model/problem.ts';
import type { Finding, Plan } from '../plan/plan.ts';
import { isUnanswered } from '../plan/unanswered.ts';

/** A finding that is not as wanted, and whose it is. */
export interface Open extends Finding {
  readonly host: string;
}

/** What is not as wanted, host by host. */
export const open = ({ hosts }: Plan): readonly Open[] =>
  hosts.flatMap(({ host, findings }) =>
    findings.flatMap((f) => (f.forecast === 'right' ? [] : [{ ...f, host }])),
  );

/** Whether a finding is told of: it differs, or was asked for in vain; what waits for something else has to wait. */
export const isTold = (finding: Finding): boolean => finding.forecast !== 'unknown' || isUnanswered(finding);

/** How many findings a message shows. */
const SHOWN = 10;

const firstLine = (text: string): string => text.split('\n').find((line) => line.trim() !== '') ?? '';

function line({ host, step, reading, note = '' }: Open): string {
  return [host, step, firstLine(reading), firstLine(note)].filter((part) => part !== '').join(': ');
}

/**
 * What is told of a run after which not everything reads as wanted.
 * @param left what does not; what waits for something else in it is left out of the message, and what was answered comes first.
 */
export function unsettled(left: readonly Open[]): Problem {
  const known = left.filter(isTold).toSorted((a, b) => Number(isUnanswered(a)) - Number(isUnanswered(b)));
  const more = known.length > SHOWN ? [`and ${known.length - SHOWN} more`] : [];
  const saw = [...known.slice(0, SHOWN).map(line), ...more].join('\n');
  return known.every(isUnanswered)
    ? new Problem({
        code: 'run/unanswered',
        summary: 'every step was made, yet the API server does not answer when all is read again at the end',
        saw,
        why: 'it hangs, or its machine or its disk is overloaded; so it is not known whether everything is as wanted',
        try: 'run uptime on the control planes; when they have less to do, landfall plan reads everything again',
      })
    : new Problem({
        code: 'run/unsettled',
        summary: 'every step was made, yet read again at the end some are not as wanted',
        saw,
        why: 'something changes these back, or one step undoes another',
        try: 'landfall plan shows what differs now',
      });
}
