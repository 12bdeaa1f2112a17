/** Whether all is tried, and not what a change is tried with alone: by `npm run test:lab`, and in CI where no lab is needed. */
export const THOROUGH = process.env['LANDFALL_TEST_THOROUGH'] === '1';
