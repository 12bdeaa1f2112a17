import { type Applied, parseEntries } from '../model/applied.ts';
import type { ScriptRecord } from '../shell/parse.ts';
import { APPLIED } from '../steps/record.ts';
import type { Work } from './work.ts';

/**
 * What the cluster says was applied to it, out of what one host's reading script told; undefined when that did not ask, or when nothing
 * is written down or the API server does not answer.
 * @param works as `compare` takes them.
 */
export function appliedOf(works: readonly Work[], records: readonly ScriptRecord[]): Applied | undefined {
  const steps = works.flatMap((work) => work.steps);
  const n = steps.findIndex(({ id }) => id === APPLIED) + 1;
  const told = records.flatMap((r) => (r.is === 'told' && r.step === n ? [r.text] : []))[0];
  const [last, ...earlier] = parseEntries(told ?? '');
  if (last === undefined) return undefined;
  const differs = records.flatMap((r) => (r.is === 'differs' && r.step === n ? [r.reading] : []))[0];
  return { last, text: `${differs ?? steps[n - 1]?.want ?? ''}\n`, earlier };
}
