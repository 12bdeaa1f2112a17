import { Problem } from '../model/problem.ts';

/** A Debian release the lab can make hosts of. */
export type Release = 'bookworm' | 'trixie';

/** What kind of host it is: all that its image depends on. */
export interface HostKind {
  readonly release: Release;
  /** What starts sshd: a socket, at the first connection; absent: a service, at boot. */
  readonly sshd?: 'socket';
  /** Laid out as this distribution's installer leaves a host; absent: as Debian's. */
  readonly like?: 'ubuntu';
}

/** What is said of a kind of host; the rest is as {@link kindOf} has it. */
export interface HostKindSpec {
  readonly release?: Release;
  readonly sshd?: 'service' | 'socket';
  readonly like?: 'debian' | 'ubuntu';
}

/**
 * The kind of host asked for. What is not said is as the host has it that is there already; else Debian 12 with sshd as a
 * service, or, to look like Ubuntu, Debian 13, whose systemd and sshd are the nearest, with sshd by a socket.
 * Throws `lab/kind` for a kind that cannot be made.
 */
export function kindOf(asked: HostKindSpec, known?: HostKind): HostKind {
  const like = asked.like ?? known?.like ?? 'debian';
  const isUbuntu = like === 'ubuntu';
  const release = asked.release ?? known?.release ?? (isUbuntu ? 'trixie' : 'bookworm');
  if (known === undefined && isUbuntu && release !== 'trixie')
    throw new Problem({
      code: 'lab/kind',
      summary: `a host of ${release} cannot be made to look like Ubuntu`,
      why: 'its netplan, cloud-init and sshd are older than those of the Ubuntu it would show',
      try: '--like ubuntu --release trixie',
      exit: 2,
    });
  const usual = known === undefined && isUbuntu ? 'socket' : (known?.sshd ?? 'service');
  const sshd = asked.sshd ?? usual;
  return {
    release,
    ...(sshd === 'socket' ? { sshd } : {}),
    ...(isUbuntu ? { like: 'ubuntu' as const } : {}),
  };
}

/** A kind of host in a few words: `trixie like ubuntu, sshd by socket`. */
export function kindText({ release, sshd, like }: HostKind): string {
  return `${release}${like === undefined ? '' : ` like ${like}`}${sshd === undefined ? '' : `, sshd by ${sshd}`}`;
}
