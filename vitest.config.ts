import { defineConfig } from 'vitest/config';

/** Lab tests that have not yet passed whole, in one run by themselves: `npx vitest run --project trial`, not in `npm test`. */
const TRIAL = ['diagnoses', 'releases'].map((name) => `test/lab/${name}.test.ts`);

const LONG = 30 * 60_000;

export default defineConfig({
  test: {
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
          include: ['test/lab/**/*.test.ts'],
          exclude: TRIAL,
          testTimeout: LONG,
          hookTimeout: LONG,
        },
      },
      {
        test: { name: 'trial', include: TRIAL, testTimeout: LONG, hookTimeout: LONG },
      },
    ],
  },
});
