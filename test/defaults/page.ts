import { cell } from '../../src/report/markup.ts';
import { answered } from '../map/link.ts';
import type { Default, Subject } from './item.ts';

const row = ({ id, byItself, bites, answer }: Default): string =>
  `| ${id} | ${cell(byItself)} | ${cell(bites)} | ${answered(answer)} |`;

/** The page about kubeadm's defaults: docs/defaults.md. */
export function defaultsPage(subjects: readonly Subject[]): string {
  const head = [
    '# Defaults that do not do',
    '<!-- Made from test/defaults; UPDATE_GOLDEN=1 npx vitest run --project unit test/defaults.test.ts writes it anew. -->',
    'kubeadm brings up a cluster that works. Some of what it decides, or leaves undecided, bites only later: when a certificate ends, a disk is full, a host is gone. This page says what, whom it bites, and what Landfall does: the step that sees to it ([steps.md](steps.md)) and the field of cluster.yaml that says otherwise ([cluster-yaml.md](cluster-yaml.md)).',
  ];
  const body = subjects.flatMap(({ title, defaults }) => [
    `## ${title}`,
    ['| | by itself | bites | Landfall |', '|---|---|---|---|', ...defaults.map(row)].join('\n'),
  ]);
  return `${[...head, ...body].join('\n\n')}\n`;
}
