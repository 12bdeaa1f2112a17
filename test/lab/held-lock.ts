/**
 * The command by which a unit of this name holds one of apt's and dpkg's locks, as they do, under a name people know; it ends when the
 * unit is stopped.
 */
export const holds = (unit: string, lock: string): string =>
  `systemd-run -q --unit=${unit} --collect perl -MFcntl=:DEFAULT -e 'my $l = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); $0 = "unattended-upgr"; open my $f, ">>", "${lock}" or die; fcntl($f, F_SETLK, $l) or die; sleep 1000'`;
