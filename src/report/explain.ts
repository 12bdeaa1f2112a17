import type { Clue, Step } from '../steps/step.ts';
import type { Look } from './look.ts';
import { alternatives, typed } from './typed.ts';
import { span } from './words.ts';
import { pad, printable, width, wrap } from './width.ts';

/** A step with what is known of where it belongs and how it stands. */
export interface Explained {
  readonly step: Step;
  /** The title of its phase. */
  readonly phase: string;
  /** `every node`, `the seat`, `your own machine`. */
  readonly on: string;
  /** How it stood when it was last read, a host each. */
  readonly here: readonly {
    readonly host: string;
    readonly stands: 'right' | 'differs';
    readonly text: string;
  }[];
}

/** Lines of a script or reading that are shown before it is cut. */
const MOST = 24;

/** How wide the column of labels is. */
const LABEL = 7;

function block(label: string, lines: readonly string[], look: Look): string[] {
  return lines.map((line, i) =>
    `${i === 0 ? look.paint.strong(pad(label, LABEL)) : ' '.repeat(LABEL)}${line}`.trimEnd(),
  );
}

function shell(text: string, look: Look): string[] {
  const lines = printable(text).split('\n');
  if (lines.length <= MOST) return lines;
  const rest = lines.length - MOST + 1;
  return [...lines.slice(0, MOST - 1), look.paint.faint(`${rest} more lines: landfall runbook`)];
}

function clueLines(clue: Clue, look: Look, room: number): string[] {
  const id = clue.diagnosis === undefined ? '' : ` (${clue.diagnosis})`;
  return [
    alternatives(clue.match)
      .map((a) => `"${a}"`)
      .join(', '),
    ...wrap(`${clue.means}${id}`, room - 8).map((line, i) => `  ${i === 0 ? 'means' : '     '} ${line}`),
    ...wrap(clue.try, room - 8).map(
      (line, i) => `  ${i === 0 ? 'try  ' : '     '} ${look.paint.command(line)}`,
    ),
  ];
}

/** One step, explained: why, how to look, what to see, how it is made and taken back, what can go wrong. */
export function explainText({ step, phase, on, here }: Explained, look: Look): string {
  const { paint, signs } = look;
  const room = look.columns - LABEL;
  const belongs = paint.faint(`${step.make === undefined ? 'check' : 'step'} of "${phase}", on ${on}`);
  const title = paint.strong(printable(step.title));
  const gap = Math.max(3, look.columns - width(title) - width(belongs));
  const see = step.want === '' ? ['nothing'] : shell(step.want, look);
  const wait =
    step.within === undefined || step.within === 0
      ? []
      : [
          paint.faint(
            `within ${span(step.within * 1000)}${step.awaits === undefined ? '' : `, for ${step.awaits}`}`,
          ),
        ];
  const stands = here.map(({ host, stands, text }) => {
    const sign = stands === 'right' ? paint.right(signs.right) : paint.differs(signs.differs);
    return `${host} ${sign} ${printable(text)}`;
  });
  const risk = {
    service: 'restarts a service',
    node: 'stops what runs on the node',
    data: 'puts data at risk',
  };
  const out = [
    `${title}${' '.repeat(gap)}${belongs}`,
    paint.faint(step.id),
    '',
    ...block('Why', wrap(printable(step.why), room), look),
    ...block('Look', shell(typed(step.read.text, step), look), look),
    ...block('See', [...see, ...wait], look),
    ...(step.make === undefined
      ? block('Make', ['nothing: this is a check, and what it asks for is yours to mend'], look)
      : block('Make', shell(typed(step.make.text, step), look), look)),
    ...(step.disturbs === undefined ? [] : block('Risk', [risk[step.disturbs]], look)),
    ...(step.undo === undefined ? [] : block('Undo', shell(typed(step.undo.text, step), look), look)),
    ...(step.after === undefined ? [] : block('After', [step.after.join(', ')], look)),
    ...(step.clues ?? []).flatMap((clue, i) =>
      block(i === 0 ? 'Fails' : '', clueLines(clue, look, room), look),
    ),
    ...(stands.length === 0 ? [] : block('Here', stands, look)),
    ...(step.see === undefined || step.see.length === 0 ? [] : block('Read', step.see, look)),
  ];
  return look.spell(`${out.join('\n')}\n`);
}

/** A diagnosis: what is seen of it, what it means, what to do, and the steps that know it. */
export function diagnosisText(
  id: string,
  found: readonly { readonly step: Step; readonly phase: string; readonly clue: Clue }[],
  look: Look,
): string {
  const room = look.columns - LABEL;
  const same = (a: Clue, b: Clue): boolean => a.means === b.means && a.try === b.try;
  const clues = found
    .map(({ clue }) => clue)
    .filter((clue, i, all) => all.findIndex((other) => same(other, clue)) === i);
  const blocks = clues.map((clue) => {
    const those = found.filter((f) => same(f.clue, clue));
    const seen = [...new Set(those.flatMap((f) => alternatives(f.clue.match)))];
    return [
      ...block('Seen', seen, look),
      ...block('Means', wrap(printable(clue.means), room), look),
      ...block('Try', wrap(printable(clue.try), room), look),
      ...block(
        'Step',
        those.map(({ step, phase }) => `${step.id}: ${step.title}, of "${phase}"`),
        look,
      ),
    ].join('\n');
  });
  return look.spell(`${look.paint.strong(id)}\n\n${blocks.join('\n\n')}\n`);
}
