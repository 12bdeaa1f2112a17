import { cell } from '../../src/report/markup.ts';
import { answered } from '../map/link.ts';
import type { Chapter, Item, Standing } from './item.ts';

const row = ({ number, what, answer }: Item): string => `| ${number} | ${cell(what)} | ${answered(answer)} |`;

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
