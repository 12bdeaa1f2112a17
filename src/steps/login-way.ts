import { type Shell, sh } from '../shell/sh.ts';

/** What the login shell of whoever logs in is to run: a POSIX shell that reads on, as root, with who it was and how they came. */
export const AS_ROOT =
  'exec sh -c \'who=$(id -un); if [ "$(id -u)" = 0 ]; then exec sh -s -- "$who" "$SSH_CONNECTION"; else exec sudo -n sh -s -- "$who" "$SSH_CONNECTION"; fi\'';

/** `ssh` with a connection of its own, whatever connections are open already, that asks nobody anything. */
export function login(port: Shell): Shell {
  return sh`ssh -o BatchMode=yes -o ControlPath=none -o ConnectTimeout=10 ${port} --`;
}
