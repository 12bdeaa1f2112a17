import type { Look } from './look.ts';
import { notBegun, type RunProgress, type StepResult } from './state.ts';
import { count, span } from './words.ts';
import { pad, printable, width } from './width.ts';

/** What is said when a run has ended well. */
export interface Done {
  readonly cluster: string;
  /** `1 control plane Ready`. */
  readonly members: string;
  /** What it consists of: `Kubernetes 1.36.3`, `CRI-O 1.36.1`, `flannel`. */
  readonly parts: readonly string[];
  readonly made: number;
  /** Milliseconds. */
  readonly ms: number;
  /** The run was about a part of the list only, so nothing is said of the whole. */
  readonly partial: boolean;
  readonly proof: readonly ProofLine[];
  /** As the user called it. */
  readonly program: string;
}

/** One line of the proof: what was tried and what came of it. */
export interface ProofLine {
  readonly title: string;
  readonly holds: boolean;
  /** `200 OK`, or how long it took. */
  readonly seen: string;
}

/** A reading that says enough by itself to be the second column of the proof. */
function telling(text: string | undefined): string | undefined {
  const line = printable((text ?? '').trim());
  return line === '' || line.includes('\n') || line.length > 48 ? undefined : line;
}

/**
 * The proof's lines from what was told of its steps.
 * @param results of the phases that prove, in order.
 * @param wants what each step should read, by its name: what a step that holds has read.
 */
export function proofLines(
  results: readonly StepResult[],
  wants: Readonly<Record<string, string>> = {},
): readonly ProofLine[] {
  return results
    .filter((r) => r.state !== 'skipped')
    .map((r) => {
      const holds = r.state === 'right' || r.state === 'made';
      // Of a reading that was right at once no time is known.
      const time = r.ms === undefined || r.ms < 2 ? '' : span(r.ms);
      const want = holds ? telling(wants[r.step]) : telling(r.reading);
      return {
        title: r.title,
        holds,
        seen: [want, time].filter((s) => s !== undefined && s !== '').join(', '),
      };
    });
}

/** The proof as a table; nothing when nothing was proven. */
export function proofText(proof: readonly ProofLine[], look: Look): string[] {
  if (proof.length === 0) return [];
  const { paint, signs } = look;
  const column = Math.max(...proof.map((p) => width(p.title)), 30);
  return [
    `  ${paint.strong('Proof')}`,
    ...proof.map((p) => {
      const sign = p.holds ? paint.right(signs.right) : paint.wrong(signs.wrong);
      return `  ${sign} ${pad(printable(p.title), column)}   ${p.holds ? p.seen : paint.wrong(p.seen)}`.trimEnd();
    }),
    '',
  ];
}

/** The end of a run that went well: what there is now, its proof, and what to do next. */
export function doneText(done: Done, look: Look): string {
  const { paint } = look;
  const made = done.made === 0 ? 'Nothing was to be made' : `${count(done.made, 'step')} made`;
  const head = done.partial
    ? `${paint.strong(done.cluster)}: ${made.toLowerCase()} in ${span(done.ms)}; this was a part of the whole.`
    : `${paint.strong(done.cluster)} is up: ${[done.members, ...done.parts].join(', ')}. ${made} in ${span(done.ms)}.`;
  const next = done.partial
    ? [`Next:   ${paint.command(`${done.program} plan`)}`]
    : [
        `Next:   ${paint.command(`${done.program} kubeconfig --merge && kubectl get nodes`)}`,
        `Look:   ${paint.command(`${done.program} status`)}        Learn what was done and why:   ${paint.command(`${done.program} runbook | less`)}`,
      ];
  return look.spell(`${[head, '', ...proofText(done.proof, look), ...next].join('\n')}\n`);
}

/** What is said under the problems of a run: what was made before, and what was not tried. */
export function failedFooter(state: RunProgress): string {
  const made = state.end?.made ?? state.phases.reduce((n, p) => n + p.made, 0);
  const skipped = state.phases.reduce((n, p) => n + p.skipped, 0);
  const coming = notBegun(state).length;
  const parts = [
    made === 0
      ? 'Nothing was changed'
      : `${count(made, 'step')} made before it ${made === 1 ? 'stays' : 'stay'}`,
    ...(skipped === 0
      ? []
      : [`${count(skipped, 'step')} after it ${skipped === 1 ? 'was' : 'were'} not tried`]),
    ...(coming === 0 ? [] : [`${count(coming, 'phase')} not begun`]),
  ];
  return `\n${parts.join(', ')}. ${state.command === 'apply' ? 'Run again, it goes on from here.' : ''}`.trimEnd();
}
