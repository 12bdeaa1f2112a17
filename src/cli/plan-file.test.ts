import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { folder } from '../../test/cli/fake.ts';
import { FINDINGS, PLAN, planOf } from '../../test/report/sample.ts';
import { Problem } from '../model/problem.ts';
import type { Finding } from '../plan/plan.ts';
import { documentText } from '../report/json.ts';
import { checkReadings, checkSource, choiceOfPlan, readPlan } from './plan-file.ts';

const { dir, remove } = folder();
afterAll(remove);

async function problemOf(work: () => unknown): Promise<Problem> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const source = 'name: harbour\n';
const plan = { ...PLAN, source: createHash('sha256').update(source).digest('hex') };

const withFinding = (change: (f: Finding) => Finding) =>
  planOf([{ ...PLAN.hosts[0]!, findings: FINDINGS.map(change) }]);

describe('a saved plan', () => {
  test('is read back as it was', async () => {
    const file = join(dir, 'a.plan');
    writeFileSync(file, documentText(plan));
    expect(await readPlan(file)).toEqual(plan);
  });

  test('that is none is refused, never a stack', async () => {
    for (const text of ['', '{', '[]', '{"format":"2.0"}', documentText({ ...plan, hosts: 'x' })]) {
      const file = join(dir, 'b.plan');
      writeFileSync(file, text);
      expect(await problemOf(() => readPlan(file))).toMatchObject({ code: 'plan/file', exit: 2 });
    }
    expect((await problemOf(() => readPlan(join(dir, 'none')))).summary).toContain('there is no plan');
  });

  test('is of one cluster.yaml and no other', async () => {
    checkSource(plan, 'harbour', source);
    const other = await problemOf(() => checkSource(plan, 'harbour', `${source}# changed\n`));
    expect(other).toMatchObject({ code: 'plan/stale', exit: 5 });
    expect(await problemOf(() => checkSource(plan, 'marina', source))).toMatchObject({ exit: 5 });
  });

  test('holds as long as every reading is as it was', async () => {
    checkReadings(PLAN, { ...PLAN, at: '2026-11-24T00:00:00Z', ms: 1, trips: 7 });
    for (const { step, forecast } of FINDINGS) {
      if (forecast === 'unknown') continue;
      const changed = withFinding((f) => (f.step === step ? { ...f, reading: `${f.reading} not` } : f));
      const problem = await problemOf(() => checkReadings(PLAN, changed));
      expect(problem).toMatchObject({ code: 'plan/stale', exit: 5, saw: `cp-0: ${step}` });
    }
  });

  test('promises nothing of what is known only later', () => {
    checkReadings(
      PLAN,
      withFinding((f) => (f.forecast === 'unknown' ? { ...f, reading: 'something else' } : f)),
    );
    expect(FINDINGS.some((f) => f.forecast === 'unknown')).toBe(true);
  });

  test('is void when somebody has made a part of it, or a step is new or gone', async () => {
    const made = withFinding((f) =>
      f.forecast === 'make' ? { ...f, forecast: 'right', reading: f.want } : f,
    );
    const fewer = planOf([{ ...PLAN.hosts[0]!, findings: FINDINGS.slice(1) }]);
    for (const now of [made, fewer]) {
      expect(await problemOf(() => checkReadings(PLAN, now))).toMatchObject({ exit: 5 });
    }
    expect(await problemOf(() => checkReadings(fewer, PLAN))).toMatchObject({ exit: 5 });
  });

  test('means just its steps, on its hosts', () => {
    const choice = choiceOfPlan(PLAN);
    expect(choice.nodes).toEqual(['cp-0']);
    expect(choice.only).toEqual(FINDINGS.map((f) => f.step));
  });
});
