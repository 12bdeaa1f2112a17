import type { ScriptMode } from '../shell/compile.ts';
import type { Slot, Step } from '../steps/step.ts';

/** Where secrets come from: see `Site`. */
interface Source {
  readonly secret?: (slot: Slot) => string | undefined;
}

/**
 * The operator's secrets that a script of these steps needs, by slot: a reading is given those alone that it compares with, and
 * what takes back is given none.
 * @throws Problem when one cannot be had.
 */
export function secretsOf(
  site: Source,
  steps: readonly Step[],
  mode: ScriptMode,
): Readonly<Record<Slot, string>> {
  if (mode === 'undo') return {};
  const needed = steps.flatMap(({ secrets = [], read }) =>
    secrets
      .map(({ slot }) => slot)
      .filter((slot) => mode === 'make' || read.text.includes(`$(slot ${slot})`)),
  );
  return Object.fromEntries(needed.map((slot) => [slot, site.secret?.(slot) ?? '']));
}
