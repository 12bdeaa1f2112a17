import { nearest } from '../config/nearest.ts';
import { Problem } from '../model/problem.ts';
import { diagnosisText, explainText, sharedTroubleText } from '../report/explain.ts';
import { documentText } from '../report/json.ts';
import type { Look } from '../report/look.ts';
import { moment } from '../report/words.ts';
import { listRuns, readEvents } from '../run/history.ts';
import { sorted, type Trouble, TROUBLES } from '../steps/troubles.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { allSteps, everyStep, type Listed, listOf, placeOf } from './list.ts';
import { lookOf } from './sight.ts';
import { clusterName, load } from './source.ts';

/** What explain takes. */
export interface ExplainFlags {
  readonly full: boolean;
}

/**
 * The list for the user's own cluster where there is one that can be read. Else every step there is, of which the usual ones
 * are enough where the word is one of them.
 */
async function ownList(
  context: Context,
  flags: CommonFlags,
  word: string | undefined,
): Promise<readonly Listed[]> {
  if (flags.directory !== undefined || flags.file !== undefined) {
    const { cluster, lock } = await load(context, flags);
    return listOf(cluster, lock);
  }
  const loaded = await load(context, flags).catch(() => undefined);
  if (loaded !== undefined) return listOf(loaded.cluster, loaded.lock);
  const usual = allSteps();
  return usual.some(({ step }) => step.id === word) ? usual : everyStep();
}

/** How a step stood when it was last told of in a run, a host each. */
async function lastStands(context: Context, flags: CommonFlags, step: string, look: Look) {
  const env = { ...context.process.env };
  const cluster = await clusterName(context, flags).catch(() => undefined);
  if (cluster === undefined) return [];
  const found = new Map<string, { host: string; stands: 'right' | 'differs'; text: string }>();
  for (const { run, command } of (await listRuns(cluster, env)).toReversed()) {
    for (const event of readEvents(cluster, run, env).toReversed()) {
      if (event.is !== 'step' || event.step !== step || found.has(event.host)) continue;
      const isRight = event.state === 'right' || event.state === 'made';
      if (command === 'reset' || event.state === 'making' || event.state === 'waiting') continue;
      const when = moment(event.at, look.offset, look.now);
      const text = isRight
        ? `${event.state === 'made' ? 'made' : 'right'} ${when}`
        : `${event.state} ${when}`;
      found.set(event.host, { host: event.host, stands: isRight ? 'right' : 'differs', text });
    }
  }
  return [...found.values()].toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

/** What can be asked besides steps, told below all of them. */
function moreText(look: Look): string {
  const names = [...new Set(TROUBLES.map(({ id }) => `trouble/${id}`))].join(', ');
  return look.spell(
    `\nOne of them:            ${look.paint.command('landfall explain STEP')}\nA diagnosis by number:  ${look.paint.command('landfall explain H14')}\nWhat many may meet:     ${names}\n`,
  );
}

function listText(list: readonly Listed[], look: Look): string {
  const column = Math.max(...list.map(({ step }) => step.id.length));
  const phases = [...new Set(list.map(({ phase }) => phase))];
  return look.spell(
    `${phases
      .map((phase) =>
        [
          look.paint.strong(phase.title),
          ...list
            .filter((l) => l.phase === phase)
            .map(({ step }) => `  ${step.id.padEnd(column)}   ${step.title}`),
        ].join('\n'),
      )
      .join('\n\n')}\n`,
  );
}

function unknown(word: string, list: readonly Listed[]): Problem {
  const near = nearest(
    word,
    list.map(({ step }) => step.id),
  );
  return new Problem({
    code: 'explain/unknown',
    summary: `there is no step, subject or diagnosis called ${JSON.stringify(word)}`,
    try: near === undefined ? 'landfall explain lists all steps' : `did you mean ${near}?`,
    exit: 2,
  });
}

/** The trouble of that name, in the words of the plugin the steps are of. */
function troubleOf(word: string, list: readonly Listed[]): Trouble {
  const named = TROUBLES.filter(({ id }) => `trouble/${id}` === word);
  const met = named.find((trouble) =>
    list.some(({ step }) => sorted(step.clues ?? []).shared.includes(trouble)),
  );
  const found = met ?? named[0];
  if (found !== undefined) return found;
  throw new Problem({
    code: 'explain/unknown',
    summary: `there is no ${word}`,
    try: `one of: ${[...new Set(TROUBLES.map(({ id }) => `trouble/${id}`))].join(', ')}`,
    exit: 2,
  });
}

/** Explains a step, lists a subject, or shows what is known of a diagnosis. */
export const explain: Action<ExplainFlags> = async (context, flags, [word]) => {
  const list = await ownList(context, flags, word);
  const { stdout } = context.process;
  const look = lookOf(context, stdout, flags);
  if (word !== undefined && /^H\d+$/i.test(word)) {
    const id = word.toUpperCase();
    const found = list.flatMap(({ step, phase }) =>
      (step.clues ?? [])
        .filter((clue) => clue.diagnosis === id)
        .map((clue) => ({ step, phase: phase.title, clue })),
    );
    if (found.length === 0) throw unknown(word, list);
    stdout.write(diagnosisText(id, found, look));
    return 0;
  }
  if (word?.startsWith('trouble/') === true) {
    stdout.write(sharedTroubleText(troubleOf(word, list), look));
    return 0;
  }
  const exact = list.find(({ step }) => step.id === word);
  if (exact !== undefined) {
    const { step, phase } = exact;
    const here = await lastStands(context, flags, step.id, look);
    if (flags.json) stdout.write(documentText(document(exact)));
    else
      stdout.write(
        explainText({ step, phase: phase.title, on: placeOf(phase), here, full: flags.full }, look),
      );
    return 0;
  }
  const part =
    word === undefined
      ? list
      : list.filter(({ step, phase }) => step.id.startsWith(`${word}/`) || phase.id === word);
  if (part.length === 0) throw unknown(word ?? '', list);
  if (flags.json) stdout.write(documentText(part.map(document)));
  else stdout.write(`${listText(part, look)}${word === undefined ? moreText(look) : ''}`);
  return 0;
};

/** A step for programs: its shell as text, its patterns as text. */
function document({ step, phase }: Listed): unknown {
  const { id, title, why, see, want, read, make, undo, after, disturbs, within, awaits, clues } = step;
  return {
    id,
    title,
    phase: phase.id,
    why,
    see,
    read: read.text,
    want,
    make: make?.text,
    undo: undo?.text,
    after,
    disturbs,
    within,
    awaits,
    clues: clues?.map((clue) => ({ ...clue, match: clue.match.source })),
  };
}
