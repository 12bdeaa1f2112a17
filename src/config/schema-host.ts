import * as z from 'zod';
import { packageFields } from './schema-host-packages.ts';
import { hostSettings } from './schema-host-settings.ts';
import { hostSsh } from './schema-host-ssh.ts';

/** The section `host`: what is made of the hosts themselves. Each subject has its fields in a file of its own. */
export const host = z.strictObject({
  ...hostSettings,
  ...packageFields,
  ssh: hostSsh.optional().meta({
    description:
      'Who may log in to the hosts, and where sshd listens. What is left out stays as each host has it.',
  }),
});
