import type { Step } from '../step.ts';

/** What a step says of itself whatever its kind; the kind adds how to look and what to do. */
export type About = Pick<Step, 'id' | 'title' | 'why'> &
  Partial<Pick<Step, 'see' | 'after' | 'disturbs' | 'within' | 'awaits' | 'clues' | 'long' | 'probes'>>;
