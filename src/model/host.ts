import type { HostSsh } from './host-ssh.ts';

/** What the hosts themselves are to be like; what is absent is left as each host has it. */
export interface HostWishes {
  readonly ssh?: HostSsh;
}
