import type { ScriptRecord } from '../shell/parse.ts';
import type { Finding, Forecast } from './plan.ts';
import type { Work } from './work.ts';

/** What one step's reading printed: as wanted, or this. */
type Reading =
  | { readonly right: true }
  | { readonly right: false; readonly text: string; readonly note: string };

function readings(records: readonly ScriptRecord[]): ReadonlyMap<number, Reading> {
  const found = new Map<number, Reading>();
  for (const r of records) {
    if (r.is === 'right') found.set(r.step, { right: true });
    if (r.is === 'differs') found.set(r.step, { right: false, text: r.reading, note: r.note });
  }
  return found;
}

/**
 * Compares what a reading script told with what its steps want, for one host.
 * @param works the host's work, in the order its steps had in the script (numbered from 1 through all of them).
 * A script cut short has told nothing of its last steps: those are unknown.
 * @returns findings whose forecast does not yet know of `after`: see {@link settle}.
 */
export function compare(works: readonly Work[], records: readonly ScriptRecord[]): readonly Finding[] {
  const found = readings(records);
  let n = 0;
  return works.flatMap((work) =>
    work.steps.map((step): Finding => {
      n += 1;
      const reading = found.get(n);
      const want = step.want.replace(/\n+$/, '');
      const forecast: Forecast =
        reading === undefined
          ? 'unknown'
          : reading.right
            ? 'right'
            : step.make === undefined
              ? 'wrong'
              : 'make';
      const text = reading === undefined ? '' : reading.right ? want : reading.text;
      return {
        phase: work.phase.id,
        step: step.id,
        title: step.title,
        forecast,
        reading: text,
        want,
        ...(reading !== undefined && !reading.right && reading.note !== '' ? { note: reading.note } : {}),
        ...(step.after === undefined ? {} : { until: step.after }),
        ...(step.disturbs === undefined ? {} : { disturbs: step.disturbs }),
        ...(step.long === undefined ? {} : { long: step.long }),
      };
    }),
  );
}

/**
 * Marks as unknown what means nothing yet: a finding whose `after` steps are not all right, on whichever host, and in turn
 * whatever comes after that one. What is left in `until` are the steps that have to become right first.
 * @param findings of all hosts together.
 */
export function settle(findings: readonly Finding[]): readonly Finding[] {
  const open = new Set(findings.filter((f) => f.forecast !== 'right').map((f) => f.step));
  for (let before = -1; before !== open.size; ) {
    before = open.size;
    for (const f of findings) if (f.until?.some((id) => open.has(id))) open.add(f.step);
  }
  return findings.map((f) => {
    const { until, ...rest } = f;
    const awaited = (until ?? []).filter((id) => open.has(id));
    return awaited.length === 0 ? rest : { ...rest, forecast: 'unknown' as const, until: awaited };
  });
}
