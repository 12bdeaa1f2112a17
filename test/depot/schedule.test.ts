import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { damaged, folderOf, made, make } from './artefacts.ts';
import { type Place, place } from './place.ts';
import { keyOf, type Recipe, withNeeds } from './recipe.ts';
import { checkPresent, type FillEvent, makeAll, missing } from './schedule.ts';

const recipe = (id: string, needs: readonly Recipe[] = [], text = id, seconds = 1): Recipe => ({
  id,
  title: id,
  inputs: { text },
  needs,
  seconds,
  tools: [],
  async build({ out, of }) {
    const before = needs.map((need) => readFileSync(join(of(need), 'it'), 'utf8')).join('');
    writeFileSync(join(out, 'it'), before + text);
  },
});

describe('artefacts', { timeout: 60_000 }, () => {
  let folder = '';
  let where: Place;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-artefacts-'));
    where = place({ XDG_CACHE_HOME: folder });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const ignore = (): void => undefined;

  it('are made once, after what they need', async () => {
    const a = recipe('a');
    const b = recipe('b', [a]);
    const c = recipe('c', [b, a]);
    const order = await missing(where, [c]);
    expect(order).toEqual([a, b, c]);
    await makeAll(where, order, 2, ignore);
    expect(readFileSync(join(folderOf(where, c), 'files/it'), 'utf8')).toBe('abac');
    expect(await missing(where, [c])).toEqual([]);
  });

  it('do not ask for the needs of what is there', async () => {
    const a = recipe('a');
    const b = recipe('b', [a]);
    await makeAll(where, [a, b], 1, ignore);
    rmSync(folderOf(where, a), { recursive: true });
    expect(await missing(where, [b])).toEqual([]);
    expect(await missing(where, [recipe('b', [a], 'other')])).toEqual([
      a,
      expect.objectContaining({ id: 'b' }),
    ]);
  });

  it('have another key when an input, of theirs or of a need, is another', () => {
    const one = keyOf(recipe('b', [recipe('a')]));
    expect(keyOf(recipe('b', [recipe('a')]))).toBe(one);
    expect(keyOf(recipe('b', [recipe('a', [], 'changed')]))).not.toBe(one);
    expect(keyOf(recipe('b', [recipe('a')], 'changed'))).not.toBe(one);
  });

  it('leave nothing behind when the making fails, and nothing after it is begun', async () => {
    const bad: Recipe = { ...recipe('bad'), build: () => Promise.reject(new Error('no')) };
    const after = recipe('after', [bad]);
    let stopped = 0;
    const run = makeAll(where, [bad, after], 2, ignore, make, () => stopped++);
    await expect(run).rejects.toThrow('no');
    expect(stopped).toBe(1);
    expect(await made(where, bad)).toBe(false);
    expect(await made(where, after)).toBe(false);
    expect(readdirSync(where.scratch)).toEqual([]);
  });

  it('that are damaged are found and made again', async () => {
    const a = recipe('a');
    await makeAll(where, [a], 1, ignore);
    expect(await damaged(where, a)).toEqual([]);
    const file = join(folderOf(where, a), 'files/it');
    chmodSync(file, 0o644);
    writeFileSync(file, 'b');
    const events: FillEvent[] = [];
    await checkPresent(where, [a], (event) => events.push(event));
    expect(events).toMatchObject([{ type: 'note', text: expect.stringContaining('a is damaged (it)') }]);
    expect(await missing(where, [a])).toEqual([a]);
  });

  it('are begun longest way first, never more at a time than lanes', async () => {
    const quick = recipe('quick', [], 'quick', 1);
    const long = recipe('long', [], 'long', 50);
    const last = recipe('last', [long], 'last', 50);
    const middle = recipe('middle', [], 'middle', 60);
    const begun: string[] = [];
    let now = 0;
    let most = 0;
    const slow: typeof make = async (_place, { id }) => {
      begun.push(id);
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return 1;
    };
    await makeAll(where, withNeeds([quick, middle, last]), 2, ignore, slow);
    expect(begun.slice(0, 2)).toEqual(['long', 'middle']);
    expect(begun).toHaveLength(4);
    expect(most).toBe(2);
  });
});
