import { fieldAnchor } from '../../src/config/published.ts';
import { cell, inline } from '../../src/report/markup.ts';
import { anchor } from '../../src/report/runbook-step.ts';
import type { Answer, Pointer, Standing } from './answer.ts';

const STANDS: Readonly<Record<Standing, string>> = {
  done: '',
  otherwise: '*Otherwise.* ',
  later: '**Not yet.** ',
};

const stepLink = (id: string): string => `[\`${id}\`](steps.md#${anchor(id)})`;

/** The command of a call: its first word, or its first two where that is a group. */
const commandOf = (call: string): string => /^(?:(?:hosts|lab|node|runs) )?[a-z]+/.exec(call)?.[0] ?? call;

/** A path of the repository as docs/ leads to it. */
const fromDocs = (path: string): string => (path.startsWith('docs/') ? path.slice(5) : `../${path}`);

/** @param before the parts of the answer that come before it: what is linked there already is not linked again. */
function link(pointer: Pointer, before: readonly (string | Pointer)[]): string {
  switch (pointer.is) {
    case 'step':
      return `${stepLink(pointer.id)}${pointer.has === undefined ? '' : ` (${inline(pointer.has).replaceAll('|', '\\|')})`}`;
    case 'clue': {
      const name = pointer.diagnosis === undefined ? 'a clue' : inline(pointer.diagnosis);
      const isLinked = before.some(
        (part) => typeof part !== 'string' && part.is === 'step' && part.id === pointer.at,
      );
      return isLinked ? name : `${name} at ${stepLink(pointer.at)}`;
    }
    case 'field':
      return `[\`${pointer.name}\`](cluster-yaml.md#${fieldAnchor(pointer.name)})`;
    case 'command':
      return `[\`landfall ${pointer.words}\`](cli.md#landfall-${commandOf(pointer.words).replace(' ', '-')})`;
    case 'problem':
      return `\`error[${pointer.code}]\``;
    case 'file':
      return `[${pointer.called}](${fromDocs(pointer.path)})`;
    case 'test':
      return `[“${pointer.title.replace('%s ', '')}”](${fromDocs(pointer.path)})`;
  }
}

/** An answer as a cell of a page in docs/. */
export function answered({ standing, parts }: Answer): string {
  const text = parts
    .map((part, i) => (typeof part === 'string' ? cell(part) : link(part, parts.slice(0, i))))
    .join('');
  return STANDS[standing] + text;
}
