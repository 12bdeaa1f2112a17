/**
 * How many letters must be put in, taken out, changed or swapped with their neighbour to make one word the other
 * (optimal string alignment).
 */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The known word a wrong one was probably meant to be: case, `-` and `_` do not count, one letter in three may be wrong. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_ ]/g, '');
  const meant = plain(word);
  if (meant === '') return undefined;
  const [best] = known
    .filter((candidate) => Math.abs(plain(candidate).length - meant.length) <= 3)
    .map((candidate) => ({ candidate, off: distance(meant, plain(candidate)) }))
    .filter(
      ({ candidate, off }) => off <= Math.max(1, Math.floor(Math.max(candidate.length, meant.length) / 3)),
    )
    .toSorted((a, b) => a.off - b.off);
  return best?.candidate;
}
