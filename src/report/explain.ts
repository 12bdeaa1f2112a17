import type { Clue, Step } from '../steps/step.ts';
import { sorted, type Trouble } from '../steps/troubles.ts';
import type { Look } from './look.ts';
import { alternatives } from './pattern.ts';
import { shortKubectl } from './shorthand.ts';
import { typed } from './typed.ts';
import { capital, span } from './words.ts';
import { pad, printable, width, wrap } from './width.ts';

/** A step with what is known of where it belongs and how it stands. */
export interface Explained {
  readonly step: Step;
  /** The title of its phase. */
  readonly phase: string;
  /** `every node`, `the first control plane`, `your own machine`. */
  readonly on: string;
  /** How it stood when it was last read, a host each. */
  readonly here: readonly {
    readonly host: string;
    readonly stands: 'right' | 'differs';
    readonly text: string;
  }[];
  /** Every command whole, however long. */
  readonly full?: boolean;
}

const RISKS = {
  service: 'restarts a service',
  node: 'stops what runs on the node',
  data: 'puts data at risk',
} as const;

/** Lines of a script or reading that are shown before it is cut. */
const MOST = 24;

/** How wide the column of labels is. */
const LABEL = 7;

function block(label: string, lines: readonly string[], look: Look): string[] {
  return lines.map((line, i) =>
    `${i === 0 ? look.paint.strong(pad(label, LABEL)) : ' '.repeat(LABEL)}${line}`.trimEnd(),
  );
}

/** A script, cut where it is too long to be read here. */
function cut(text: string, step: Step, isFull: boolean, look: Look): string[] {
  const lines = printable(text).split('\n');
  if (isFull || lines.length <= MOST) return lines;
  const rest = lines.length - MOST + 1;
  return [
    ...lines.slice(0, MOST - 1),
    look.paint.faint(`${rest} more lines: landfall explain ${step.id} --full`),
  ];
}

function clueLines(clue: Clue, look: Look, room: number): string[] {
  const id = clue.diagnosis === undefined ? '' : ` (${clue.diagnosis})`;
  return [
    ...wrap(
      alternatives(clue.match)
        .map((a) => `"${a}"`)
        .join(', '),
      room,
    ),
    ...wrap(`${clue.means}${id}`, room - 8).map((line, i) => `  ${i === 0 ? 'means' : '     '} ${line}`),
    ...wrap(clue.try, room - 8).map(
      (line, i) => `  ${i === 0 ? 'try  ' : '     '} ${look.paint.command(line)}`,
    ),
  ];
}

/** What can go wrong: in the step's own words, and by name where many steps share it. */
function troubleLines(step: Step, look: Look, room: number): string[] {
  const { own, shared } = sorted(step.clues ?? []);
  return [
    ...own.flatMap((clue, i) => block(i === 0 ? 'Fails' : '', clueLines(clue, look, room), look)),
    ...block(
      own.length === 0 ? 'Fails' : 'Or',
      shared.map(({ id, title }) => `${title}: ${look.paint.command(`landfall explain trouble/${id}`)}`),
      look,
    ),
  ];
}

/** How to look, what to see, how it is made and taken back. */
function handLines(step: Step, isFull: boolean, look: Look, room: number): string[][] {
  const { read, make, undo, want, within = 0, awaits, disturbs, after = [] } = step;
  const texts = [read, make, undo].map((shell) => typed(shell?.text ?? '', step));
  const { long, shorten } = shortKubectl(texts);
  const [toLook = '', toMake = '', toUndo = ''] = texts.map(shorten);
  const script = (label: string, text: string): string[] => block(label, cut(text, step, isFull, look), look);
  const wait = `within ${span(within * 1000)}${awaits === undefined ? '' : `, for ${awaits}`}`;
  return [
    [
      ...script('Look', toLook),
      ...script('See', want === '' ? 'nothing' : want),
      ...(within === 0 ? [] : block('', [look.paint.faint(wait)], look)),
    ],
    [
      ...(make === undefined
        ? block('Make', ['nothing: this is a check, and what it asks for is yours to mend'], look)
        : script('Make', toMake)),
      ...(disturbs === undefined ? [] : block('Risk', [RISKS[disturbs]], look)),
    ],
    undo === undefined ? [] : script('Undo', toUndo),
    long === undefined
      ? []
      : block('', wrap(`kubectl is short for: ${long}`, room).map(look.paint.faint), look),
    after.length === 0 ? [] : block('After', wrap(after.join(', '), room), look),
  ];
}

/** One step, explained: why, how to look, what to see, how it is made and taken back, what can go wrong. */
export function explainText({ step, phase, on, here, full = false }: Explained, look: Look): string {
  const { paint, signs } = look;
  const room = look.columns - LABEL;
  const belongs = paint.faint(`${step.make === undefined ? 'check' : 'step'} of "${phase}", on ${on}`);
  const title = paint.strong(printable(step.title));
  const gap = Math.max(3, look.columns - width(title) - width(belongs));
  const stands = here.map(({ host, stands: how, text }) => {
    const sign = how === 'right' ? paint.right(signs.right) : paint.differs(signs.differs);
    return `${host} ${sign} ${printable(text)}`;
  });
  const parts = [
    [`${title}${' '.repeat(gap)}${belongs}`, paint.faint(step.id)],
    block('Why', wrap(printable(step.why), room), look),
    ...handLines(step, full, look, room),
    troubleLines(step, look, room),
    block('Here', stands, look),
    block('Read', step.see ?? [], look),
  ].filter((part) => part.length > 0);
  return look.spell(`${parts.map((part) => part.join('\n')).join('\n\n')}\n`);
}

/** A trouble many steps share: all there may be to see of it, what each means and what to do. */
export function sharedTroubleText({ title, clues }: Trouble, look: Look): string {
  const blocks = clues.map((clue) => clueLines(clue, look, look.columns).join('\n'));
  return look.spell(`${look.paint.strong(capital(title))}\n\n${blocks.join('\n\n')}\n`);
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
