import { describe, expect, it } from 'vitest';
import { find } from './find.ts';
import { play } from './play.ts';
import type { Schedule } from './schedule.ts';
import { BUGS } from './site.ts';

/** The lead is removed by one operator while another, who has read the cluster before, waits for its hosts. */
const STALE: Schedule = {
  planes: 3,
  workers: 0,
  prepared: true,
  acts: [
    { command: { do: 'apply' }, faults: [{ kind: 'host gone', at: 10, host: 2, seconds: 1 }] },
    {
      command: { do: 'remove', role: 'control planes', who: 0 },
      faults: [{ kind: 'second operator', at: 3, host: 0, seconds: 1 }],
    },
  ],
};

/** A join goes on without its operator, killed at this moment, while its node is told to leave: by then it has pods. */
const joined = (at: number): Schedule => ({
  planes: 3,
  workers: 0,
  prepared: true,
  acts: [
    { command: { do: 'apply' }, faults: [{ kind: 'operator killed', at, host: 0, seconds: 1 }] },
    { command: { do: 'replace', who: 1 }, faults: [] },
  ],
});

describe('the simulator', () => {
  it('makes a cluster, and nothing is left to do', async () => {
    const { violation, story } = await play({
      planes: 3,
      workers: 1,
      prepared: false,
      acts: [{ command: { do: 'apply' }, faults: [] }],
    });
    expect(violation).toBeUndefined();
    expect(story.filter((line) => /is made on|has joined/.test(line))).toHaveLength(4);
  });

  it('tells the same story of the same schedule', async () => {
    const told = (text: string): string => text.replaceAll(/process \d+|since \S+/g, '');
    const [one, other] = [await play(STALE), await play(STALE)];
    expect(one.story.map(told)).toEqual(other.story.map(told));
  });

  it('finds nothing that must never be in some random schedules', async () => {
    expect(await find({ schedules: 60, seed: 5 })).toBeUndefined();
  }, 120_000);

  it('sees no second cluster made by whoever has read an earlier one', async () => {
    expect((await play(STALE)).violation).toBeUndefined();
  });

  it('sees no node cleared undrained that became a member after it was told to leave', async () => {
    const stories: string[] = [];
    for (let at = 10; at <= 40; at += 1) {
      const { violation, story } = await play(joined(at));
      expect(violation, `killed at moment ${at}`).toBeUndefined();
      stories.push(story.join('\n'));
    }
    // Which moment it is depends on what there is to do before.
    expect(stories.filter((story) => story.includes('leave/joined'))).not.toEqual([]);
  });

  it('sees a join brought to its end, and no vote taken back, wherever its host is killed', async () => {
    const stories: string[] = [];
    for (let at = 1; at <= 120; at += 1) {
      const { violation, story } = await play({
        planes: 3,
        workers: 0,
        prepared: true,
        acts: [{ command: { do: 'apply' }, faults: [{ kind: 'host killed', at, host: 1, seconds: 5 }] }],
      });
      expect(violation, `killed at moment ${at}`).toBeUndefined();
      stories.push(story.join('\n'));
    }
    expect(stories.some((story) => story.includes('its join is brought to its end'))).toBe(true);
  }, 120_000);

  const SAYS = {
    'drain skipped': /cleared while pods that nobody moved run there/,
    'quorum off by one': /is taken off etcd's list: etcd has lost its majority by it/,
    'lock ignored': /which run r\d+ holds/,
  } as const;
  it.each(BUGS)(
    'finds a planted bug: %s',
    async (bug) => {
      const found = await find({ schedules: 1500, seed: 5, bugs: new Set([bug]) });
      expect(found?.violation).toMatch(SAYS[bug]);
      expect(found?.schedule.acts.length).toBeLessThanOrEqual(2);
    },
    240_000,
  );
});
