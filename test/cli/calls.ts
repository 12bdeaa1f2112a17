/** The words of each call of Landfall in a line of shell. */
export function calls(line: string): readonly (readonly string[])[] {
  const tokens = [...line.matchAll(/(&&|\|\||[;|]|\d?>+&?\d?)|((?:"[^"]*"|'[^']*'|[^\s"'|;&>])+)/g)];
  const found: string[][] = [[]];
  let isFile = false;
  for (const [, mark, word] of tokens) {
    if (mark !== undefined) {
      isFile = mark.includes('>');
      if (!isFile) found.push([]);
    } else if (isFile) isFile = false;
    else found.at(-1)?.push((word ?? '').replace(/^(["'])([^]*)\1$/, '$2'));
  }
  return found.filter(([program]) => program === 'landfall').map(([, ...words]) => words);
}
