import fc from 'fast-check';

/** What may befall hosts and operators. */
export const FAULTS = [
  'operator killed',
  'operator asks to stop',
  'second operator',
  'host killed',
  'host gone',
  'link cut',
  'step fails once',
  'step fails always',
  'slow step',
] as const;

/** One of {@link FAULTS}. */
export type FaultKind = (typeof FAULTS)[number];

/** Something that goes wrong while a command is carried out. */
export interface Fault {
  readonly kind: FaultKind;
  /** How many moments the command has had by then: each is between two things a script does. */
  readonly at: number;
  /** Which host: counted through those there are. */
  readonly host: number;
  /** How long it lasts. */
  readonly seconds: number;
}

/** What the operator does. `who` is counted through the nodes that can be meant. */
export type Command =
  | { readonly do: 'apply' }
  | { readonly do: 'add'; readonly role: 'worker' | 'control planes' }
  | { readonly do: 'remove'; readonly role: 'worker' | 'control planes'; readonly who: number }
  | { readonly do: 'replace'; readonly who: number };

/** A command and what goes wrong while it is carried out. */
export interface Act {
  readonly command: Command;
  readonly faults: readonly Fault[];
}

/** A story: a cluster is made of these hosts, then this happens. */
export interface Schedule {
  readonly planes: 1 | 3;
  readonly workers: number;
  /** Whether all that is about a host alone is done already, so that moments are about the cluster. */
  readonly prepared: boolean;
  readonly acts: readonly Act[];
}

const at = fc.oneof(
  { weight: 3, arbitrary: fc.nat(60) },
  { weight: 2, arbitrary: fc.nat(200) },
  { weight: 1, arbitrary: fc.nat(700) },
);

const faults = fc.array(
  fc.record<Fault>({
    kind: fc.constantFrom(...FAULTS),
    at,
    host: fc.nat(7),
    seconds: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 3000 })),
  }),
  { maxLength: 4 },
);

const role = fc.constantFrom('worker' as const, 'control planes' as const);

const command = fc.oneof<fc.Arbitrary<Command>[]>(
  fc.constant({ do: 'apply' }),
  fc.record({ do: fc.constant('add' as const), role }),
  fc.record({ do: fc.constant('remove' as const), role, who: fc.nat(3) }),
  fc.record({ do: fc.constant('replace' as const), who: fc.nat(5) }),
);

/** Random stories, the first act of each being the making of the cluster. */
export const schedules: fc.Arbitrary<Schedule> = fc
  .record({
    planes: fc.constantFrom<1 | 3>(1, 3, 3),
    workers: fc.nat(2),
    prepared: fc.oneof(
      { weight: 1, arbitrary: fc.constant(false) },
      { weight: 4, arbitrary: fc.constant(true) },
    ),
    create: faults,
    later: fc.array(fc.record<Act>({ command, faults }), { maxLength: 3 }),
  })
  .map(({ create, later, ...rest }) => ({
    ...rest,
    acts: [{ command: { do: 'apply' }, faults: create }, ...later],
  }));

function commandText(one: Command): string {
  if (one.do === 'apply') return 'apply';
  if (one.do === 'add') return `add ${one.role}`;
  return one.do === 'remove' ? `remove ${one.role}, counted from ${one.who}` : `replace node ${one.who}`;
}

/** A story in words. */
export function scheduleText({ planes, workers, prepared, acts }: Schedule): string {
  return [
    `${planes} control plane${planes === 1 ? '' : 's'}, ${workers} worker${workers === 1 ? '' : 's'}${prepared ? ', hosts prepared' : ''}`,
    ...acts.flatMap(({ command, faults }) => [
      commandText(command),
      ...faults.map(
        ({ kind, at, host, seconds }) => `  at moment ${at}: ${kind}, host ${host}, ${seconds} s`,
      ),
    ]),
  ].join('\n');
}
