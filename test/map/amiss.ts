import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { everyStep } from '../../src/cli/list.ts';
import { fieldsOf } from '../../src/config/fields.ts';
import { clusterFile } from '../../src/config/schema.ts';
import { clueOf } from '../../src/run/failure.ts';
import type { Step } from '../../src/steps/step.ts';
import { landfall } from '../cli/fake.ts';
import { objection } from '../cli/parsed.ts';
import type { Pointer } from './answer.ts';

const root = new URL('../../', import.meta.url);
const steps = new Map<string, Step>(everyStep().map((listed) => [listed.step.id, listed.step]));
const fields = new Set(fieldsOf(clusterFile).map(({ name }) => name));

/** All code of the product, in one text. */
const code = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .map((path) => readFileSync(new URL(`src/${path}`, root), 'utf8'))
  .join('\n');

/** Everything a step looks at, wants, runs or takes back. */
function shellOf(one: Step): string {
  const pieces = [one.read, one.make, one.undo, ...(one.probes ?? []).map(({ run }) => run)];
  return [one.want, ...pieces.map((piece) => piece?.text ?? '')].join('\n');
}

/** The text of a file of the repository; undefined when there is none. */
export function textOf(path: string): string | undefined {
  const url = new URL(path, root);
  return existsSync(url) ? readFileSync(url, 'utf8') : undefined;
}

/** Why a pointer leads nowhere; undefined when what it says is there. */
export async function amiss(pointer: Pointer): Promise<string | undefined> {
  switch (pointer.is) {
    case 'step': {
      const found = steps.get(pointer.id);
      if (found === undefined) return `there is no step ${pointer.id}`;
      const { has } = pointer;
      return has === undefined || shellOf(found).includes(has)
        ? undefined
        : `${pointer.id} does not say ${has}`;
    }
    case 'clue': {
      const found = steps.get(pointer.at);
      if (found === undefined) return `there is no step ${pointer.at}`;
      const seen = { host: '', step: found, state: 'failed', reading: '', note: '', run: '' } as const;
      const clue = clueOf({ ...seen, output: [pointer.says] });
      if (clue === undefined) return `${pointer.at} has no clue for: ${pointer.says}`;
      return clue.diagnosis === pointer.diagnosis
        ? undefined
        : `${pointer.at} calls it ${clue.diagnosis}, not ${pointer.diagnosis}`;
    }
    case 'field':
      return fields.has(pointer.name) ? undefined : `cluster.yaml has no field ${pointer.name}`;
    case 'problem':
      return code.includes(`code: '${pointer.code}'`) ? undefined : `no error has the code ${pointer.code}`;
    case 'command':
      return commandAmiss(pointer.words.split(' '));
    case 'file': {
      const text = textOf(pointer.path);
      if (text === undefined) return `there is no file ${pointer.path}`;
      const { has } = pointer;
      return has === undefined || text.includes(has) ? undefined : `${pointer.path} does not say: ${has}`;
    }
    case 'test':
      return textOf(pointer.path)?.includes(`'${pointer.title}'`) === true
        ? undefined
        : `${pointer.path} has no test ‘${pointer.title}’`;
  }
}

/** The command line must be understood, and what it is to explain or to be about must be there. */
async function commandAmiss(words: readonly string[]): Promise<string | undefined> {
  const said = await objection(words);
  if (said !== '') return `landfall ${words.join(' ')} is not understood: ${said.split('\n')[0]}`;
  const subject = words[0] === 'explain' ? words[1] : words[1 + words.findIndex((word) => word === '--only')];
  if (subject === undefined || subject === words[0]) return undefined;
  const explained = await landfall(['explain', subject], { cwd: '/nowhere' });
  return explained.code() === 0 ? undefined : `there is nothing called ${subject} to explain`;
}
