/** How root may log in by ssh: with a key, or not at all. */
export type RootLogin = 'keys' | 'never';

/** What sshd on every host is to be like; what is absent is left as the host has it. */
export interface HostSsh {
  /** The port sshd is to listen on, and no other. How it is reached today is `SshOptions.port`. */
  readonly port?: number;
  readonly rootLogin?: RootLogin;
  /** False: sshd takes keys alone. */
  readonly passwords?: false;
}
