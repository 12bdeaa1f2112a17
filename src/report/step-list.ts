import type { Phase } from '../steps/phase.ts';
import type { Step } from '../steps/step.ts';
import { cell, prose } from './markup.ts';
import { anchor } from './runbook-step.ts';
import { span } from './words.ts';

/** A phase with its steps, in order. */
export interface PhaseSteps {
  readonly phase: Phase;
  readonly steps: readonly Step[];
}

const STAGES: Readonly<Record<Phase['stage'], string>> = {
  nodes: 'on each node',
  seat: 'on a control plane that is up',
  operator: 'on your own machine',
};

const RISKS = {
  service: 'a service restarts',
  node: 'what runs on the node stops',
  data: 'data is at risk',
} as const;

function row(step: Step): string {
  const kind = step.make === undefined ? 'check' : 'step';
  const more = [
    ...(step.disturbs === undefined ? [] : [RISKS[step.disturbs]]),
    ...(step.undo === undefined ? [] : ['can be taken back']),
    ...(step.within === undefined || step.within === 0 ? [] : [`waits up to ${span(step.within * 1000)}`]),
  ];
  const ids = [...new Set((step.clues ?? []).flatMap((c) => c.diagnosis ?? []))].toSorted();
  return `| <a id="${anchor(step.id)}"></a>\`${step.id}\` | ${kind} | **${cell(step.title)}.** ${cell(step.why)} | ${more.join(', ')} | ${ids.join(' ')} |`;
}

/** Every step, a phase a chapter, a step a row: docs/steps.md. */
export function stepListText(phases: readonly PhaseSteps[]): string {
  const head = [
    '# The steps',
    'Everything Landfall looks at and makes, in its order; written out of the steps themselves. `landfall explain STEP` shows one with its commands, `landfall runbook` all of them for your own cluster. A *check* is never made: what it asks for is yours to mend. The last column names the diagnoses a step knows: `landfall explain H14`.',
  ];
  const chapters = phases.flatMap(({ phase, steps }) => [
    `## ${prose(phase.title)}`,
    `\`--only ${phase.id}\` · ${STAGES[phase.stage]}${phase.when === 'changed' ? ' · after something was made, and on demand' : ''}`,
    prose(phase.why),
    ['| step | | what and why | | |', '|---|---|---|---|---|', ...steps.map(row)].join('\n'),
  ]);
  return `${[...head, ...chapters].join('\n\n')}\n`;
}
