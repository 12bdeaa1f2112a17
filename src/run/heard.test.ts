import { describe, expect, it } from 'vitest';
import { compile } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import { sh } from '../shell/sh.ts';
import { localHost } from '../ssh/local.ts';
import type { Step } from '../steps/step.ts';
import { heard } from './heard.ts';

const step = (id: string, read: Step['read']): Step => ({
  id: `test/${id}`,
  title: `Look at ${id}`,
  why: 'A test needs it.',
  read,
  want: 'there',
});
const script = (steps: readonly Step[]): string => compile(steps, { mode: 'read', title: 'a test' });

describe('a host that is only looked at', () => {
  it('is given up when it says nothing for too long, with the reading it is at', async () => {
    const steps = [
      step('first', sh`echo there`),
      step('second', sh`sleep 60`),
      step('third', sh`echo there`),
    ];
    await expect(heard(localHost(), script(steps), steps, 2)).rejects.toMatchObject({
      code: 'host/silent',
      exit: 4,
      summary: expect.stringContaining('has said nothing for'),
      saw: 'asked for: Look at second (test/second)',
    });
    await expect(heard(localHost(), 'sleep 60', 'what it is', 0.5)).rejects.toMatchObject({
      saw: 'asked for: what it is',
    });
  });

  it('may take as long as it likes while it goes on', async () => {
    const steps = ['a', 'b', 'c', 'd'].map((id) => step(id, sh`sleep 1; echo there`));
    const said = parseRecords(await heard(localHost(), script(steps), steps, 3));
    expect(said.filter(({ is }) => is === 'right')).toHaveLength(4);
  });
});
