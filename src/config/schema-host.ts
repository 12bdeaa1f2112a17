import * as z from 'zod';
import { packageFields } from './schema-host-packages.ts';
import { hostSettings } from './schema-host-settings.ts';

/** The section `host`: what is made of the hosts themselves. Each subject has its fields in a file of its own. */
export const host = z.strictObject({
  ...hostSettings,
  ...packageFields,
});
