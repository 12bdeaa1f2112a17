import type { Absence, Plan } from '../plan/plan.ts';
import type { Look } from './look.ts';
import { count } from './words.ts';
import { printable } from './width.ts';

/** The hosts that did not answer and are left out, a line each; nothing when all did. */
export function awayLines({ away = [] }: Pick<Plan, 'away'>, { paint }: Look): readonly string[] {
  if (away.length === 0) return [];
  const line = ({ host, address, summary }: Absence): string =>
    `  ${paint.strong(host)}  ${printable(address)}   ${printable(summary)}`;
  return [
    `${paint.wrong('Left out:')} ${count(away.length, 'host')} that cannot be asked. The others go on without.`,
    ...away.map(line),
  ];
}
