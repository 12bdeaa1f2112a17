import * as z from 'zod';
import { packageFields } from './schema-host-packages.ts';

/** The section `host`: what is made of the hosts themselves. Each subject has its fields in a file of its own. */
export const host = z.strictObject({
  ...packageFields,
});
