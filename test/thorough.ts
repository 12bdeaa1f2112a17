/** Whether all is tried, and not what a change is tried with alone: by `npm run test:lab`, and in CI where no lab is needed. */
export const THOROUGH = process.env['LANDFALL_TEST_THOROUGH'] === '1';

/** Whether that is tried, too, which takes minutes more than whoever changes something should wait for: in CI, and by `npm run test:lab`. */
export const DEEPER = THOROUGH || process.env['CI'] === 'true';
