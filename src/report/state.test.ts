import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent, StepState } from '../run/event.ts';
import { badStory, crowdStory, goodEnd, goodStory } from '../../test/report/sample.ts';
import { NOTHING_TOLD, notBegun, reduce, TAIL_LINES } from './state.ts';

const HOSTS = ['a', 'b', 'c'];
const STATES: readonly StepState[] = [
  'right',
  'making',
  'made',
  'waiting',
  'failed',
  'unproven',
  'wrong',
  'skipped',
];
const at = fc.integer({ min: 0, max: 4e9 }).map((ms) => new Date(1.7e12 + ms).toISOString());
const phase = fc.constantFrom('one', 'two', 'unheard of');

/** Any event, in any order: more than a run ever tells. */
const anyEvent: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.record({
    is: fc.constant('run' as const),
    at,
    run: fc.string(),
    command: fc.constant('apply'),
    cluster: fc.string(),
    phases: fc.constant([
      { id: 'one', title: 'One', hosts: HOSTS },
      { id: 'two', title: 'Two', hosts: HOSTS },
    ]),
  }),
  fc.record({ is: fc.constant('phase' as const), at, phase, title: fc.string(), hosts: fc.constant(HOSTS) }),
  fc.record({
    is: fc.constant('step' as const),
    at,
    phase,
    host: fc.constantFrom(...HOSTS),
    step: fc.constantFrom('s/1' as const, 's/2' as const, 's/3' as const),
    title: fc.string(),
    state: fc.constantFrom(...STATES),
  }),
  fc.record({
    is: fc.constant('output' as const),
    at,
    phase,
    host: fc.constantFrom(...HOSTS),
    step: fc.constant('s/1' as const),
    text: fc.string(),
  }),
  fc.record({
    is: fc.constant('phase-end' as const),
    at,
    phase,
    made: fc.nat(9),
    right: fc.nat(9),
    failed: fc.nat(9),
    left: fc.nat(9),
    ms: fc.nat(),
  }),
  fc.record({ is: fc.constant('end' as const), at, exit: fc.nat(5), made: fc.nat(9), ms: fc.nat() }),
);

const fold = (events: readonly RunEvent[], from = NOTHING_TOLD) => events.reduce(reduce, from);

describe('the reducer', () => {
  test('gives the same however a stream is cut into parts', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.nat(40), (events, cut) => {
        expect(fold(events.slice(cut), fold(events.slice(0, cut)))).toEqual(fold(events));
      }),
    );
  });

  test('never changes the state it is given', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), anyEvent, (events, next) => {
        const before = fold(events);
        const copy = structuredClone(before);
        reduce(before, next);
        expect(before).toEqual(copy);
      }),
    );
  });

  test('counts each step of each host once, by its last word', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        for (const p of fold(events.filter((e) => e.is !== 'phase-end')).phases) {
          const keys = p.results.map((r) => `${r.host} ${r.step}`);
          expect(new Set(keys).size).toBe(keys.length);
          expect(p.made + p.right + p.failed + p.skipped).toBe(keys.length);
          expect(p.failures).toHaveLength(p.failed);
        }
      }),
    );
  });

  test('keeps no more of an output than it may show', () => {
    const state = fold(badStory().events);
    expect(state.phases.flatMap((p) => Object.values(p.byHost).map((h) => h.tail.length))).toEqual([0]);
    expect(state.phases.find((p) => p.id === 'runtime')?.failures[0]?.tail).toHaveLength(TAIL_LINES);
  });

  test('time never runs back', () => {
    fc.assert(
      fc.property(
        fc.array(
          anyEvent.filter((e) => e.is !== 'run'),
          { maxLength: 30 },
        ),
        anyEvent.filter((e) => e.is !== 'run'),
        (events, next) => {
          const before = fold(events);
          expect(reduce(before, next).last).toBeGreaterThanOrEqual(before.last);
        },
      ),
    );
  });

  test('passes over events it does not know', () => {
    const state = fold(goodStory().events);
    const unknown = { is: 'sunrise', at: '2026-11-23T09:00:00Z' } as unknown as RunEvent;
    expect(reduce(state, unknown)).toBe(state);
  });

  test('a wait is timed from its first word, a step from its beginning', () => {
    const story = goodStory();
    story.step('control-plane', 'cp-0', 'cluster/api-server', 'The API server answers', 'waiting', {
      reading: 'still refused',
    });
    const host = fold(story.events).phases.find((p) => p.id === 'control-plane')?.byHost['cp-0'];
    expect(story.now - (host?.at?.since ?? 0)).toBe(6000);
    expect(host?.at?.reading).toBe('still refused');
  });

  test('tells which phases a run did not come to', () => {
    expect(notBegun(fold(badStory().events)).map((p) => p.id)).toEqual(['control-plane', 'proof']);
    expect(notBegun(fold(goodEnd(goodStory()).events))).toEqual([]);
    expect(notBegun(fold(crowdStory(['a']).events)).map((p) => p.id)).toEqual([
      'runtime',
      'control-plane',
      'proof',
    ]);
  });
});
