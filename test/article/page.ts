import { fieldAnchor } from '../../src/config/published.ts';
import { cell, inline } from '../../src/report/markup.ts';
import { anchor } from '../../src/report/runbook-step.ts';
import type { Chapter, Item, Pointer, Standing } from './item.ts';

const STANDS: Readonly<Record<Standing, string>> = {
  done: '',
  otherwise: '*Otherwise.* ',
  later: '**Not yet.** ',
};

const stepLink = (id: string): string => `[\`${id}\`](steps.md#${anchor(id)})`;

/** The command of a call: its first word, or its first two where that is a group. */
const commandOf = (call: string): string => /^(?:(?:hosts|lab|runs) )?[a-z]+/.exec(call)?.[0] ?? call;

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

function row({ number, what, answer: { standing, parts } }: Item): string {
  const text = parts
    .map((part, i) => (typeof part === 'string' ? cell(part) : link(part, parts.slice(0, i))))
    .join('');
  return `| ${number} | ${cell(what)} | ${STANDS[standing]}${text} |`;
}

/** The page that says what became of everything in the article: docs/article-map.md. */
export function articleMap(chapters: readonly Chapter[]): string {
  const items = chapters.flatMap((chapter) => chapter.items);
  const are = (standing: Standing) => items.filter(({ answer }) => answer.standing === standing).length;
  const head = [
    '# What became of the article',
    '<!-- Made from test/article; UPDATE_GOLDEN=1 npx vitest run --project unit test/article-map.test.ts writes it anew. -->',
    'Landfall grew from an article that makes a one-node cluster by hand, on a rented server, with kubeadm, CRI-O and Calico: every command with its reason and its output, the mistakes included. This page goes through it, step by step, warning by warning, promise by promise, and says where each is today.',
    `Of ${items.length}, Landfall does ${are('done')}. ${are('otherwise')} are *otherwise* today, for the reason that stands there, and ${are('later')} are **not yet** there. A step leads to [its row](steps.md), with a piece of its shell behind it where that tells more, a field of cluster.yaml to [its own](cluster-yaml.md), a command to [its page](cli.md); \`landfall explain\` knows the steps and the diagnoses (\`H14\`). A test looks each of them up, and shows the errors of the article to the steps that should know them.`,
  ];
  const body = chapters.flatMap(({ title, items: own }) => [
    `## ${title}`,
    ['| number | what | where |', '|---|---|---|', ...own.map(row)].join('\n'),
  ]);
  return `${[...head, ...body].join('\n\n')}\n`;
}
