import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { everyStep } from '../src/cli/list.ts';
import { fieldsOf } from '../src/config/fields.ts';
import { clusterFile } from '../src/config/schema.ts';
import { clueOf } from '../src/run/failure.ts';
import type { Step } from '../src/steps/step.ts';
import { CHAPTERS } from './article/chapters.ts';
import * as to from './article/item.ts';
import { articleMap } from './article/page.ts';
import { landfall } from './cli/fake.ts';
import { objection } from './cli/parsed.ts';
import { kept } from './report/golden.ts';

/** How many things the article says or does, counted once by hand. */
const ALL = 166;

const root = new URL('../', import.meta.url);
const items = CHAPTERS.flatMap((chapter) => chapter.items);
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

function textOf(path: string): string | undefined {
  const url = new URL(path, root);
  return existsSync(url) ? readFileSync(url, 'utf8') : undefined;
}

/** Why a pointer leads nowhere; undefined when what it says is there. */
async function amiss(pointer: to.Pointer): Promise<string | undefined> {
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

/** What is wrong with an item, a sentence each. */
async function wrong({ number, what, answer: { standing, parts } }: to.Item): Promise<readonly string[]> {
  const pointers = parts.filter((part) => typeof part !== 'string');
  const said = parts.filter((part) => typeof part === 'string').join('');
  const none = standing === 'done' ? pointers.length === 0 : said.length < 40;
  const found = await Promise.all(pointers.map(amiss));
  return [
    ...(what.length < 5 ? ['does not say what the article says'] : []),
    ...(none ? [standing === 'done' ? 'leads nowhere' : 'gives no reason'] : []),
    ...found.filter((one) => one !== undefined),
  ].map((one) => `${number}: ${one}`);
}

describe('what became of the article', () => {
  it('is said of each of its items, in its order', () => {
    expect(items.map(({ number }) => number)).toEqual(Array.from({ length: ALL }, (_, i) => i + 1));
    const whats = items.map(({ what }) => what);
    expect(whats.filter((what, i) => whats.indexOf(what) !== i)).toEqual([]);
  });

  it.each(CHAPTERS)('is true: $title', async ({ items: own }) => {
    const found = await Promise.all(own.map(wrong));
    expect(found.flat()).toEqual([]);
  });

  it('is docs/article-map.md, and each of its links leads somewhere', () => {
    const text = articleMap(CHAPTERS);
    expect(text).toBe(kept(new URL('docs/article-map.md', root), text));
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#([^)]*))?\)/g)];
    expect(links.length).toBeGreaterThan(ALL);
    const lost = links.filter(([, path = '', at]) => {
      const page = textOf(`docs/${path}`);
      if (page === undefined || at === undefined) return page === undefined;
      const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, words = '']) => words.replaceAll(' ', '-'));
      return !page.includes(`<a id="${at}"></a>`) && !headings.includes(at);
    });
    expect(lost.map(([link]) => link)).toEqual([]);
  });
});

describe('an answer that is not true', () => {
  const nowhere: readonly (readonly [to.Pointer, string])[] = [
    [to.step('kernel/gone'), 'there is no step kernel/gone'],
    [to.step('kernel/ip-forward', 'rm -rf /'), 'kernel/ip-forward does not say rm -rf /'],
    [to.clue('kernel/gone', ''), 'there is no step kernel/gone'],
    [to.clue('swap/off', 'all is well'), 'swap/off has no clue for: all is well'],
    [to.clue('swap/off', 'on: /dev/sda2', 'H01'), 'swap/off calls it H19, not H01'],
    [to.field('host.gone'), 'cluster.yaml has no field host.gone'],
    [to.problem('gone/gone'), 'no error has the code gone/gone'],
    [to.command('gone'), 'landfall gone is not understood: error[usage]: there is no command "gone"'],
    [to.command('lab gone'), 'landfall lab gone is not understood: error[usage]: there is no command "gone"'],
    [
      to.command('plan --not-a-flag-of-ours'),
      'landfall plan --not-a-flag-of-ours is not understood: error[usage]: there is no flag --not-a-flag-of-ours',
    ],
    [to.command('explain gone'), 'there is nothing called gone to explain'],
    [to.command('apply --only gone'), 'there is nothing called gone to explain'],
    [to.file('docs/gone.md', 'a page'), 'there is no file docs/gone.md'],
    [to.file('README.md', 'the page', 'gone for good'), 'README.md does not say: gone for good'],
    [to.test('test/article-map.test.ts', `gone ${ALL}`), 'test/article-map.test.ts has no test ‘gone 166’'],
  ];
  it.each(nowhere.map(([pointer, said]) => ({ pointer, said })))(
    'is found: $said',
    async ({ pointer, said }) => {
      expect(await wrong(to.item(1, 'something', to.done`${pointer}`))).toEqual([`1: ${said}`]);
    },
  );

  it('is found, too, when it says nothing', async () => {
    expect(await wrong(to.item(1, 'something', to.done`It just does.`))).toEqual(['1: leads nowhere']);
    expect(await wrong(to.item(2, 'something', to.later`Not yet: ${to.step('swap/off')}`))).toEqual([
      '2: gives no reason',
    ]);
  });
});
