import { UNANSWERED } from '../steps/patience.ts';
import type { Finding } from './plan.ts';

const NO_ANSWER = new RegExp(UNANSWERED);

/**
 * Whether a reading is none: the API server, or etcd behind it, gave no answer in time. What waits for other steps is not meant: that
 * there is no answer before these hold is no wonder.
 * @param finding of its text, what the reading printed, and what its programs complained about.
 */
export const isUnanswered = ({
  until,
  reading,
  note = '',
}: Pick<Finding, 'until' | 'reading' | 'note'>): boolean =>
  until === undefined && NO_ANSWER.test(`${note}\n${reading}`);
