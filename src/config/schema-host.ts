import * as z from 'zod';
import { hostSsh } from './schema-host-ssh.ts';

/** What the hosts themselves are to be like. */
export const host = z.strictObject({
  ssh: hostSsh.optional().meta({ description: 'Who may log in to the hosts, and where sshd listens.' }),
});
