import type { Slot } from './slot.ts';

/** Another place that has the images of a registry. */
export interface Mirror {
  /** What it stands for: a registry, or a part of one: `registry.k8s.io`, `ghcr.io/flannel-io`. */
  readonly of: string;
  /** Where the same images are, with a port and a path or without: `mirror.example.com:5000/k8s`. */
  readonly at: string;
  /** Whether it may be without TLS, or show a certificate nobody vouches for. */
  readonly insecure: boolean;
}

/** Who pulls from a registry. The password itself is nowhere but where this says. */
export interface Login {
  /** The registry, or a part of it. */
  readonly at: string;
  readonly user: string;
  /** The file the password is in; a path relative to cluster.yaml. */
  readonly passwordFile?: string;
  /** The variable of the operator's environment the password is in. */
  readonly passwordVariable?: string;
}

/** Where the runtime pulls images from, and as whom. */
export interface Registries {
  /** Those of one registry are tried in the order they stand here, and after all of them the registry itself. */
  readonly mirrors: readonly Mirror[];
  readonly logins: readonly Login[];
}

/** The logins as CRI-O reads them: a secret. */
export const LOGINS: Slot = 'registry-logins';

/** The SHA-256 of {@link LOGINS}: nothing that is shown either, as a short password could be guessed from it. */
export const LOGINS_DIGEST: Slot = 'registry-logins-digest';

/** The logins as containerd reads them: a secret. */
export const CONTAINERD_LOGINS: Slot = 'containerd-logins';

/** The SHA-256 of {@link CONTAINERD_LOGINS}. */
export const CONTAINERD_LOGINS_DIGEST: Slot = 'containerd-logins-digest';

/** The registries images are pulled from by a name, each once, in the order the mirrors name them. */
export function mirrored({ mirrors }: Registries): readonly string[] {
  return [...new Set(mirrors.map(({ of }) => of))];
}

/** The host, with its port, of a registry or a part of one. */
export function registryHost(place: string): string {
  return place.split('/')[0] ?? place;
}
