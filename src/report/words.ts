/**
 * A number with its noun: `1 step`, `3 steps`, `2 matches`.
 * @param plural given where the plural is not the noun and an s.
 */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** Words as a sentence lists them: `a`, `a and b`, `a, b and c`; beyond `most`, `a, b and 5 more`. */
export function listed(words: readonly string[], most = Number.POSITIVE_INFINITY): string {
  const shown = words.length > most ? words.slice(0, Math.max(1, most - 1)) : words;
  const rest = words.length - shown.length;
  const last = rest > 0 ? `${rest} more` : shown.at(-1);
  const first = rest > 0 ? shown : shown.slice(0, -1);
  return first.length === 0 ? (last ?? '') : `${first.join(', ')} and ${last}`;
}

/** Words with a capital at their beginning. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** A duration as a running clock: `0:14`, `12:05`, `1:02:03`. Takes milliseconds. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** A duration in words: `4 ms`, `0.9 s`, `12 s`, `1 min 12 s`, `4 min`, `1 h 3 min`. Takes milliseconds. */
export function span(ms: number): string {
  if (ms < 100) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9950) return `${(Math.round(ms / 100) / 10).toString()} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

/** An amount of memory or disk: `512 MiB`, `8 GiB`, `7.6 GiB`. Takes bytes. */
export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const rounded = value >= 10 || unit === 0 ? Math.round(value) : Math.round(value * 10) / 10;
  return `${rounded} ${units[unit]}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * A moment as people say it: `23 Nov 09:12`, with the year when it is not the year of `now`.
 * @param at UTC, ISO 8601, as events and plans have it.
 * @param offset minutes east of UTC in which it is told.
 * @param now milliseconds since the epoch.
 */
export function moment(at: string, offset: number, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return at;
  const local = new Date(then + offset * 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const sameYear = new Date(now + offset * 60_000).getUTCFullYear() === local.getUTCFullYear();
  const day = `${local.getUTCDate()} ${MONTHS[local.getUTCMonth()]}`;
  const time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}`;
  return sameYear ? `${day} ${time}` : `${day} ${local.getUTCFullYear()} ${time}`;
}
