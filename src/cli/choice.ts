import { Problem, Problems } from '../model/problem.ts';
import { nearest } from '../config/nearest.ts';
import type { Choice } from '../plan/work.ts';
import type { Cluster } from '../model/cluster.ts';

/** What commands that may be about a part take. */
export interface ChoiceFlags {
  readonly only: readonly string[];
  readonly node: readonly string[];
}

function unknown(what: string, flag: string, word: string, known: readonly string[]): Problem {
  const near = nearest(word, known);
  return new Problem({
    code: `${flag}/unknown`,
    summary: `there is no ${what} ${JSON.stringify(word)}`,
    try:
      near === undefined
        ? flag === 'node'
          ? `one of: ${known.join(', ')}`
          : 'landfall explain lists them all'
        : `did you mean ${near}?`,
    exit: 2,
  });
}

/** The part that is meant. The list of steps is loaded only to look names up in it. @throws Problems (exit 2) for names nothing has. */
export async function choiceOf(flags: ChoiceFlags, cluster: Cluster): Promise<Choice> {
  const choice: Choice = { only: flags.only, nodes: flags.node };
  if (!isPartial(choice)) return choice;
  const { listOf } = await import('./list.ts');
  const list = listOf(cluster);
  const parts = new Set(
    list.flatMap(({ phase, step }) => [phase.id, step.id, step.id.slice(0, step.id.indexOf('/'))]),
  );
  const nodes = cluster.nodes.map((n) => n.name);
  const problems = [
    ...flags.only
      .filter((word) => !parts.has(word))
      .map((word) => unknown('phase, subject or step called', 'only', word, [...parts])),
    ...flags.node
      .filter((word) => !nodes.includes(word))
      .map((word) => unknown('node called', 'node', word, nodes)),
  ];
  if (problems.length > 0) throw new Problems(problems);
  return choice;
}

/** Whether a choice leaves anything out. */
export function isPartial(choice: Choice): boolean {
  return (choice.only ?? []).length > 0 || (choice.nodes ?? []).length > 0;
}
