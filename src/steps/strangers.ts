import type { Stranger } from '../model/stranger.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { TABLE } from './firewall-state.ts';

/** Prints whom the rules of a host have met and not let in, as nft prints sets. Read-only. */
export const strangersScript: Shell = sh`
  for set in seen4 seen6; do nft list set inet ${TABLE} "$set" 2>/dev/null || :; done`;

const ELEMENT = /([0-9a-f.:]+) \. (\w+) \. (\d+)\b([^,}]*)/g;

/** Reads what {@link strangersScript} printed on a host; whom it met most comes first. */
export function parseStrangers(host: string, text: string): readonly Stranger[] {
  return [...text.matchAll(ELEMENT)]
    .map(([, from = '', protocol = '', port = '', rest = '']) => ({
      host,
      from,
      protocol,
      port: Number(port),
      packets: Number(/packets (\d+)/.exec(rest)?.[1] ?? 0),
    }))
    .toSorted((a, b) => b.packets - a.packets || (a.from < b.from ? -1 : 1));
}
