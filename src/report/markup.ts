/** Escapes what Markdown would take for its own in prose. */
export function prose(text: string): string {
  return text.replace(/[<*]/g, (c) => `\\${c}`).replace(/(^|\s)_|_(\s|$)/g, (c) => c.replace('_', '\\_'));
}

/** A block of code, its fence longer than any inside it. */
export function code(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((m) => m[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A piece of code within a line. */
export function inline(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** Escapes prose for a cell of a table. */
export function cell(text: string): string {
  return prose(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}
