/** Whether all is tried, and not what a change is tried with alone: in CI, and by `npm run test:lab`. */
export const THOROUGH = process.env['LANDFALL_TEST_THOROUGH'] === '1';
