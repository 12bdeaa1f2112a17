import type { FirewallMode } from '../model/firewall.ts';
import type { Stranger } from '../model/stranger.ts';
import type { Look } from './look.ts';
import { pad, width } from './width.ts';
import { count } from './words.ts';

/** How many are shown; the rest are counted. */
const SHOWN = 20;

/** Whom the hosts have met within a day and not let in, or would not have: a table with its headline. */
export function strangersLines(
  strangers: readonly Stranger[],
  mode: FirewallMode,
  look: Look,
): readonly string[] {
  const { paint } = look;
  if (strangers.length === 0)
    return [
      mode === 'enforce'
        ? 'Nobody was kept out within a day'
        : 'Nobody would have been kept out within a day',
    ];
  const most = strangers.toSorted((a, b) => b.packets - a.packets);
  const rows = most
    .slice(0, SHOWN)
    .map(({ host, from, protocol, port, packets }) => [
      host,
      from,
      `${protocol} ${port}`,
      count(packets, 'packet'),
    ]);
  const columns = [0, 1, 2].map((i) => Math.max(...rows.map((row) => width(row[i] ?? ''))));
  const rest = strangers.length - rows.length;
  return [
    `${paint.strong(mode === 'enforce' ? 'Kept out within a day' : 'Would have been kept out within a day')}: where, from, to`,
    ...rows.map((row) => `  ${row.map((cell, i) => pad(cell, columns[i] ?? 0)).join('   ')}`.trimEnd()),
    ...(rest > 0 ? [`  and ${count(rest, 'other')}`] : []),
  ];
}
