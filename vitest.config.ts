import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONG = 30 * 60_000;

/** Lab tests by how long they take, the longest first: whoever starts last is waited for by everybody. */
const BY_LENGTH = [
  'break',
  'member',
  'control-planes',
  'virtual-ip',
  'login',
  'diagnoses',
  'releases',
  'reset',
  'interrupt',
  'half-done',
  'undone',
  'failures',
  'registries',
  'join',
  'firewall',
  'create',
  'system',
  'plugins',
  'two',
  'registries',
];

/** What is about one cluster on one host, from its creation to its end: the lab tests of `npm test`. `npm run test:lab` has them all. */
const THREAD = ['lab', 'create', 'failures', 'interrupt', 'half-done', 'break', 'two', 'reset'].map(
  (name) => `test/lab/${name}.test.ts`,
);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = BY_LENGTH.findIndex((name) => moduleId.endsWith(`/test/lab/${name}.test.ts`));
      return found === -1 ? BY_LENGTH.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/depot/**/*.test.ts'],
          testTimeout: 60_000,
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
      {
        test: {
          name: 'lab',
          include: THREAD,
          testTimeout: LONG,
          hookTimeout: LONG,
        },
      },
      {
        test: {
          name: 'wide',
          include: ['test/lab/**/*.test.ts'],
          exclude: THREAD,
          testTimeout: LONG,
          hookTimeout: LONG,
        },
      },
    ],
  },
});
