/** How a host's packages and its kernel are kept. */
export interface PackageSettings {
  /** When all packages are upgraded: `once`, before the host becomes a node; `never`; or when the last time is more than so many days ago, `30d`. */
  readonly upgrade: string;
  /** Packages a node has no use for. What something else on the host needs stays. */
  readonly purge: readonly string[];
  /** The kernel of the distribution's release, or the newer one it offers for it. */
  readonly kernel: 'distribution' | 'newer';
  /** When apply reboots a host that waits for it. */
  readonly reboot: 'before-joining' | 'when-needed' | 'never';
  /** What is installed at night with nobody there: security updates, or nothing. */
  readonly unattended: 'security' | 'nothing';
  /** Whether needrestart is kept from restarting services and from asking. */
  readonly needrestart: 'quiet' | 'as-is';
  /** Whether bash completes words, also those of kubectl, kubeadm and crictl. */
  readonly completion: boolean;
}
