import type { Phase } from '../steps/phase.ts';
import type { Step } from '../steps/step.ts';
import { sorted, TROUBLES } from '../steps/troubles.ts';
import { cell, prose } from './markup.ts';
import { anchor } from './runbook-step.ts';
import { listed, span } from './words.ts';

/** A phase with its steps, in order. */
export interface PhaseSteps {
  readonly phase: Pick<Phase, 'id' | 'title' | 'why' | 'when'>;
  /** Where it is done: `every node`. */
  readonly on: string;
  /** The runbook that shows its steps whole, seen from the page, where there is one. */
  readonly runbook?: string;
  readonly steps: readonly Step[];
}

const RISKS = {
  service: 'a service restarts',
  node: 'what runs on the node stops',
  data: 'data is at risk',
} as const;

function row(step: Step, runbook: string | undefined): string {
  const kind = step.make === undefined ? 'check' : 'step';
  const more = [
    ...(step.disturbs === undefined ? [] : [RISKS[step.disturbs]]),
    ...(step.undo === undefined ? [] : ['can be taken back']),
    ...(step.within === undefined || step.within === 0 ? [] : [`waits up to ${span(step.within * 1000)}`]),
  ];
  const { own, shared } = sorted(step.clues ?? []);
  const knows = [
    ...[...new Set(own.flatMap((c) => c.diagnosis ?? []))].toSorted(),
    ...shared.map(({ id }) => id),
  ];
  const name = runbook === undefined ? `\`${step.id}\`` : `[\`${step.id}\`](${runbook}#${anchor(step.id)})`;
  return `| <a id="${anchor(step.id)}"></a>${name} | ${kind} | **${cell(step.title)}.** ${cell(step.why)} | ${more.join(', ')} | ${knows.join(' ')} |`;
}

/** Every step, a phase a chapter, a step a row: docs/steps.md. */
export function stepListText(phases: readonly PhaseSteps[]): string {
  const names = [...new Set(TROUBLES.map(({ id }) => `\`${id}\``))];
  const head = [
    '# The steps',
    'Everything Landfall looks at and makes, in its order; written out of the steps themselves. Each leads to its place in the runbook of a model cluster, with its commands; `landfall explain STEP` shows it in the terminal, `landfall runbook` all of them for your own cluster. A *check* is never made: what it asks for is yours to mend.',
    `The last column says which troubles a step knows: diagnoses by their number (\`landfall explain H14\`), and what many steps share by name, ${listed(names)} (\`landfall explain trouble/disk\`).`,
  ];
  const chapters = phases.flatMap(({ phase, on, runbook, steps }) => [
    `## ${prose(phase.title)}`,
    `\`--only ${phase.id}\` · on ${on}${phase.when === 'changed' ? ' · after something was made, and on demand' : ''}`,
    prose(phase.why),
    [
      '| step | kind | what and why | notes | troubles |',
      '|---|---|---|---|---|',
      ...steps.map((step) => row(step, runbook)),
    ].join('\n'),
  ]);
  return `${[...head, ...chapters].join('\n\n')}\n`;
}
