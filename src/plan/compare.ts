import type { ScriptRecord } from '../shell/parse.ts';
import type { Finding, Forecast } from './plan.ts';
import type { Step, StepId } from '../steps/step.ts';
import { isUnanswered } from './unanswered.ts';
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

/** A reading that got no answer tells nothing of what its step would do; a check without an answer does not hold. */
function forecastOf(step: Step, reading: Reading | undefined): Forecast {
  if (reading === undefined) return 'unknown';
  if (reading.right) return 'right';
  if (step.make === undefined) return 'wrong';
  return isUnanswered({ reading: reading.text, note: reading.note }) ? 'unknown' : 'make';
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
      const text = reading === undefined ? '' : reading.right ? want : reading.text;
      return {
        phase: work.phase.id,
        step: step.id,
        title: step.title,
        forecast: forecastOf(step, reading),
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
 * Marks as unknown what means nothing yet: a finding whose `after` steps are not all right, and in turn whatever comes after that
 * one. Such a step is looked for on the host itself; one that is made elsewhere must be right everywhere. What is left in `until`
 * are the steps that have to become right first.
 * @param hosts the findings of each host.
 */
export function settle(hosts: readonly (readonly Finding[])[]): readonly (readonly Finding[])[] {
  const own = hosts.map((findings) => new Set(findings.map(({ step }) => step)));
  const open = hosts.map(
    (findings) => new Set(findings.filter((f) => f.forecast !== 'right').map(({ step }) => step)),
  );
  const isOpen = (host: number, id: StepId): boolean =>
    own[host]?.has(id) === true ? open[host]?.has(id) === true : open.some((ids) => ids.has(id));
  const size = (): number => open.reduce((n, ids) => n + ids.size, 0);
  for (let before = -1; before !== size(); ) {
    before = size();
    for (const [host, findings] of hosts.entries())
      for (const f of findings) if (f.until?.some((id) => isOpen(host, id))) open[host]?.add(f.step);
  }
  return hosts.map((findings, host) =>
    findings.map((f) => {
      if (f.until === undefined) return f;
      const { until, ...rest } = f;
      const awaited = until.filter((id) => isOpen(host, id));
      return awaited.length === 0 ? rest : { ...rest, forecast: 'unknown' as const, until: awaited };
    }),
  );
}
