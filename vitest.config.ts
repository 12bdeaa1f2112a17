import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One that hangs is to leave a whole run in CI time to end. */
const LONG = 30 * 60_000;

/**
 * Tests that take long, the longest first, the lab's before all others: whoever starts last is waited for by everybody. Those of several
 * control planes do not begin together: on two processors they would starve each other.
 */
const BY_LENGTH = [
  'gameday',
  'break-cluster',
  'member',
  'break-apart',
  'break-host',
  'login',
  'control-planes',
  'virtual-ip',
  'firewall-planes',
  'balance',
  'half-member',
  'recover',
  'endpoint',
  'diagnoses',
  'create',
  'failures',
  'certificates',
  'history',
  'registries',
  'releases',
  'join',
  'interrupt',
  'half-done',
  'reset',
  'firewall',
  'lost-data',
  'undone',
  'system',
  'plugins',
  'lab',
  'host',
  'two',
]
  .map((name) => `/test/lab/${name}.test.ts`)
  .concat('/src/steps/login.test.ts', '/src/steps/list.test.ts', '/test/transport/habits.test.ts');

/** What is about one cluster on one host, from its creation to its end: the lab tests of `npm test`. `npm run test:lab` has them all. */
const THREAD = ['lab', 'create', 'failures', 'break-cluster', 'two', 'reset'].map(
  (name) => `test/lab/${name}.test.ts`,
);

/** What CI runs beside these: what is broken apart from all others, steps of the host broken by hand, an init cut short at any moment. */
const APART = ['break-apart', 'break-host', 'half-done'].map((name) => `test/lab/${name}.test.ts`);

/** And after them, two at a time, what has three hosts: creates that are cut short at any moment, hosts that join. */
const HOSTS = ['join', 'interrupt'].map((name) => `test/lab/${name}.test.ts`);

/**
 * And what has the machine to itself there: three control planes that are killed and replaced, and a short game day. Everything else is
 * for `npm run test:lab`: CI has an hour, and no machine of its own.
 */
const MEMBERS = ['gameday', 'member'].map((name) => `test/lab/${name}.test.ts`);

const ofLab = (name: string, include: string[], exclude: string[] = []) => ({
  test: { name, include, exclude, testTimeout: LONG, hookTimeout: LONG },
});

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = BY_LENGTH.findIndex((path) => moduleId.endsWith(path));
      return found === -1 ? BY_LENGTH.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // What was expected and what came is told whole, also where only the message is kept.
    chaiConfig: { truncateThreshold: 2000 },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'test/*.test.ts',
            'test/depot/**/*.test.ts',
            'test/simulate/**/*.test.ts',
          ],
          testTimeout: 240_000,
          // A process of its own for each file would take as long as what it tests.
          isolate: false,
        },
      },
      {
        test: {
          name: 'transport',
          include: ['test/transport/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      ofLab('lab', THREAD),
      ofLab('apart', APART),
      ofLab('hosts', HOSTS),
      ofLab('members', MEMBERS),
      ofLab('far', ['test/lab/**/*.test.ts'], [...THREAD, ...APART, ...HOSTS, ...MEMBERS]),
    ],
  },
});
