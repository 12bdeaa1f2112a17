import type { Step } from '../steps/step.ts';

/** A command of one line that can stand inside a pipe as it is. */
const SIMPLE = /^[^;&|\n]+$/;

/** A slot's name as a shell variable: `join-token` is JOIN_TOKEN. */
export function variable(slot: string): string {
  return slot.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
}

/**
 * Shell of a step as a person types it: probes are replaced by what they run, late values by variables. Landfall's own
 * words (`probe`, `slot`, `give`) mean nothing outside its scripts.
 */
export function typed(text: string, step: Step): string {
  const functions: string[] = [];
  let out = text;
  for (const { name, run } of step.probes ?? []) {
    const uses = new RegExp(`\\bprobe ${name}\\b`, 'g');
    if (!uses.test(out)) continue;
    if (!run.text.includes('\n')) {
      const inline = SIMPLE.test(run.text) ? run.text : `{ ${run.text}; }`;
      out = out.replace(uses, () => inline);
    } else {
      functions.push(`${name}() {\n${run.text}\n}`);
      out = out.replace(uses, name);
    }
  }
  out = out
    .replace(/\$\(slot ([\w-]+)\)/g, (_, slot: string) => `$${variable(slot)}`)
    .replace(/\bgive ([\w-]+) /g, (_, slot: string) => `${variable(slot)}=`);
  return [...functions, out].join('\n');
}

/** Cuts a pattern at its outermost alternatives, not inside a group. */
function outermost(source: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const [i, c] of source.split('').entries()) {
    const isEscaped = source[i - 1] === '\\' && source[i - 2] !== '\\';
    if (c === '(' && !isEscaped) depth += 1;
    if (c === ')' && !isEscaped) depth -= 1;
    if (c === '|' && depth === 0 && !isEscaped) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts;
}

/** A pattern as a reader understands it: `br_netfilter not found`, alternatives apart. */
export function alternatives(pattern: RegExp): readonly string[] {
  const simple = outermost(pattern.source).flatMap((part) => {
    const group = /^\^?\(([^()]*)\)$/.exec(part);
    return group === null ? [part] : (group[1] ?? '').split('|');
  });
  return simple.map((part) =>
    part
      .replace(/\.[*+]\??/g, ' … ')
      .replace(/\(\?:/g, '(')
      .replace(/\\d(?:\+|\{\d\})/g, 'N')
      .replace(/\\s[+*]?/g, ' ')
      .replace(/(\\[{}"'])\?/g, '')
      .replace(/\\b|\^|\$$/g, '')
      .replace(/\\([./()[\]{}|+*?])/g, '$1')
      .replace(/ +/g, ' ')
      .trim(),
  );
}
