import { describe, expect, it } from 'vitest';
import { CHAPTERS } from './article/chapters.ts';
import * as to from './article/item.ts';
import { articleMap } from './article/page.ts';
import { amiss, textOf } from './map/amiss.ts';
import { kept } from './report/golden.ts';

/** How many things the article says or does, counted once by hand. */
const ALL = 166;

const root = new URL('../', import.meta.url);
const items = CHAPTERS.flatMap((chapter) => chapter.items);
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
