import { describe, expect, test } from 'vitest';
import { kept } from '../../test/report/golden.ts';
import {
  badStory,
  CROWD_PLAN,
  crowdStory,
  EMPTY_PLAN,
  goodEnd,
  goodStory,
  IN_THE_WAY,
  PLAN,
  planOf,
} from '../../test/report/sample.ts';
import { documentText, eventLine } from './json.ts';
import { eventSchema, planSchema, problemsSchema, SCHEMAS, schemaText, statusSchema } from './schema.ts';
import { statusDocument } from './status.ts';

describe('the published schemas', () => {
  for (const name of SCHEMAS) {
    test(`schema/${name}.json is current`, () => {
      const text = schemaText(name);
      expect(text).toBe(kept(new URL(`../../schema/${name}.json`, import.meta.url), text));
    });
  }

  // Parsing leaves out what the schema does not know, so coming through whole means that it knows every field.
  test('a plan comes through whole, out of its own text too', () => {
    for (const plan of [PLAN, EMPTY_PLAN, CROWD_PLAN]) {
      expect(planSchema.parse(JSON.parse(documentText(plan)))).toEqual(plan);
    }
  });

  test('every event comes through whole', () => {
    const events = [goodEnd(goodStory()), badStory(), crowdStory(['a', 'b', 'c'])].flatMap((t) => t.events);
    for (const event of events) expect(eventSchema.parse(JSON.parse(eventLine(event)))).toEqual(event);
  });

  test('a status comes through whole', () => {
    const plan = planOf([{ ...PLAN.hosts[0]!, findings: [IN_THE_WAY, ...PLAN.hosts[0]!.findings] }]);
    const status = statusDocument(plan, {
      lastRun: { run: 'r', command: 'apply', at: plan.at, exit: 0, made: 3, ms: 4 },
      proof: [{ title: 't', holds: true, seen: '200 OK' }],
    });
    expect(statusSchema.parse(JSON.parse(documentText(status)))).toEqual(status);
  });

  test('problems come through whole', () => {
    const problems = badStory().events.flatMap((e) => (e.is === 'problem' ? [e.problem] : []));
    const document = { format: '1.0' as const, exit: 1, problems };
    expect(problemsSchema.parse(JSON.parse(documentText(document)))).toEqual(document);
  });

  test('readers pass over what they do not know', () => {
    expect(planSchema.safeParse({ ...PLAN, later: 1 }).success).toBe(true);
    expect(schemaText('plan')).not.toContain('"additionalProperties": false');
  });

  test('no field is meant for a secret', () => {
    const names = SCHEMAS.flatMap((name) =>
      [...schemaText(name).matchAll(/"(\w+)": \{/g)].map((m) => m[1] ?? ''),
    );
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name) => /token|secret|password|private|credential|slot/i.test(name))).toEqual([]);
  });

  test('an event is one line', () => {
    for (const event of badStory().events)
      expect(eventLine(event).indexOf('\n')).toBe(eventLine(event).length - 1);
  });
});
