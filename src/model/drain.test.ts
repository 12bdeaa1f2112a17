import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DrainReading, forecastDrain, GRAVE, movable, type Pod, unanswered } from './drain.ts';
import { matches } from './selector.ts';

const pod = (name: string, more: Partial<Pod> = {}): Pod => ({
  namespace: 'default',
  name,
  phase: 'Running',
  labels: { app: 'web' },
  mirror: false,
  owner: { kind: 'ReplicaSet', name: 'web-1' },
  emptyDirs: [],
  ...more,
});
const reading = (pods: readonly Pod[], more: Partial<DrainReading> = {}): DrainReading => ({
  pods,
  controllers: [
    {
      kind: 'ReplicaSet',
      namespace: 'default',
      name: 'web-1',
      replicas: 2,
      owner: { kind: 'Deployment', name: 'web' },
    },
  ],
  budgets: [],
  volumes: [],
  room: true,
  ...more,
});
const BUDGET = { namespace: 'default', name: 'web', selector: { matchLabels: { app: 'web' } }, allowed: 1 };
const kinds = (given: DrainReading): readonly string[] => forecastDrain(given).map(({ kind }) => kind);

describe('the forecast of a drain', () => {
  it('says nothing of pods that are moved without a trace', () => {
    expect(forecastDrain(reading([pod('a')], { budgets: [BUDGET] }))).toEqual([]);
  });
  it('leaves alone what stays or has ended: DaemonSets, kubelet’s own pods, finished ones', () => {
    const stay = [
      pod('a', { owner: { kind: 'DaemonSet', name: 'x' }, emptyDirs: ['x'] }),
      { ...pod('b', { mirror: true }), owner: { kind: 'Node', name: 'cp-0' } },
      pod('c', { phase: 'Succeeded' }),
    ];
    expect(forecastDrain(reading(stay, { room: false }))).toEqual([]);
  });
  it('names what is in the way, and who owns it', () => {
    const { owner: _, ...alone } = pod('alone', { emptyDirs: ['cache'], labels: {} });
    const all = reading([pod('a'), alone], {
      budgets: [
        { ...BUDGET, allowed: 0 },
        { ...BUDGET, namespace: 'other', allowed: 0 },
      ],
      volumes: [{ name: 'pv-1', namespace: 'default', claim: 'data' }],
      room: false,
    });
    expect(forecastDrain(all)).toEqual([
      { kind: 'nowhere', what: '', by: [] },
      { kind: 'budget', what: 'default/a', owner: 'Deployment default/web', by: ['default/web'] },
      { kind: 'unmanaged', what: 'default/alone', by: [] },
      { kind: 'emptydir', what: 'default/alone', by: ['cache'] },
      { kind: 'volume', what: 'default/data', by: ['pv-1'] },
    ]);
  });
  it('knows that two budgets on one pod block each other, and that one replica is a short absence', () => {
    expect(kinds(reading([pod('a')], { budgets: [BUDGET, { ...BUDGET, name: 'again' }] }))).toEqual([
      'budget',
    ]);
    const [one] = reading([]).controllers;
    const single = reading([pod('a')], { controllers: one === undefined ? [] : [{ ...one, replicas: 1 }] });
    expect(kinds(single)).toEqual(['single']);
    expect(unanswered(forecastDrain(single), [])).toEqual([]);
  });
  it('is answered by naming every grave concern, and by nothing less', () => {
    const some = fc.array(
      fc.record({
        alone: fc.boolean(),
        emptyDirs: fc.constantFrom<readonly string[]>([], ['x']),
        phase: fc.constantFrom('Running', 'Pending', 'Failed'),
      }),
    );
    fc.assert(
      fc.property(some, fc.boolean(), fc.subarray([...GRAVE]), (pods, room, despite) => {
        const made = pods.map(({ alone, ...more }, i): Pod => {
          const { owner, ...rest } = pod(`p${i}`, more);
          return alone || owner === undefined ? rest : { ...rest, owner };
        });
        const concerns = forecastDrain(reading(made, { room }));
        expect(unanswered(concerns, GRAVE)).toEqual([]);
        const lost = movable({ pods: made }).some((one) => one.owner === undefined);
        expect(unanswered(concerns, despite).some(({ kind }) => kind === 'unmanaged')).toBe(
          lost && !despite.includes('unmanaged'),
        );
      }),
    );
  });
});

it.each([
  [{}, true],
  [{ matchLabels: { app: 'db' } }, false],
  [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, true],
  [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
  [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
  [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
  [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
])('the selector %j selects app=web: %s', (selector, selects) => {
  expect(matches(selector, { app: 'web' })).toBe(selects);
});
