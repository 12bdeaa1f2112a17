import type { StepId } from '../../src/steps/step.ts';

/*
 * Answers with pointers in them, for pages that say where something is: docs/article-map.md and docs/defaults.md. Each pointer is
 * looked up by a test (`amiss.ts`): a step that is renamed, a clue that does not know an error any more, a field that is gone turns it red.
 */

/** Something an answer leads to. */
export type Pointer =
  /** A step; `has` is a piece of the shell it reads or is made by. */
  | { readonly is: 'step'; readonly id: StepId; readonly has?: string }
  /** A step that, shown these words of a program, names a cause, by this diagnosis where it has a number. */
  | { readonly is: 'clue'; readonly at: StepId; readonly says: string; readonly diagnosis?: string }
  /** A field of cluster.yaml. */
  | { readonly is: 'field'; readonly name: string }
  /** A command as it is typed behind `landfall`. */
  | { readonly is: 'command'; readonly words: string }
  /** An error by its code. */
  | { readonly is: 'problem'; readonly code: string }
  /** A file of the repository, called so; `has` is a piece of its text. */
  | { readonly is: 'file'; readonly path: string; readonly called: string; readonly has?: string }
  /** A test by its title. */
  | { readonly is: 'test'; readonly path: string; readonly title: string };

/** How it stands: Landfall does it; it is done otherwise today, for the reason given; or not yet. */
export type Standing = 'done' | 'otherwise' | 'later';

/** What became of an item. */
export interface Answer {
  readonly standing: Standing;
  readonly parts: readonly (string | Pointer)[];
}

type Tag = (texts: TemplateStringsArray, ...pointers: readonly Pointer[]) => Answer;

function tag(standing: Standing): Tag {
  return (texts, ...pointers) => ({
    standing,
    parts: texts.flatMap((text, i) => [text, pointers[i] ?? '']).filter((part) => part !== ''),
  });
}

/** Landfall does it, and this is where. */
export const done = tag('done');

/** Landfall does something else, or nothing, and this is why. */
export const otherwise = tag('otherwise');

/** Landfall does not do it yet; what there is instead. */
export const later = tag('later');

/** Points to a step. @param has a piece of its shell: what the row says of it. */
export function step(id: StepId, has?: string): Pointer {
  return { is: 'step', id, ...(has === undefined ? {} : { has }) };
}

/** Points to the clue a step has for what a program says. */
export function clue(at: StepId, says: string, diagnosis?: string): Pointer {
  return { is: 'clue', at, says, ...(diagnosis === undefined ? {} : { diagnosis }) };
}

/** Points to a field of cluster.yaml: `host.ssh.port`. */
export function field(name: string): Pointer {
  return { is: 'field', name };
}

/** Points to a command: `status --prove`. */
export function command(words: string): Pointer {
  return { is: 'command', words };
}

/** Points to an error: `nodes/count`. */
export function problem(code: string): Pointer {
  return { is: 'problem', code };
}

/** Points to a file of the repository. @param has a piece of its text. */
export function file(path: string, called: string, has?: string): Pointer {
  return { is: 'file', path, called, ...(has === undefined ? {} : { has }) };
}

/** Points to a test by its title. */
export function test(path: string, title: string): Pointer {
  return { is: 'test', path, title };
}
