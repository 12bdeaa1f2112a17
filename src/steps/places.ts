/** Landfall's own folder on a host: what it must remember to be able to take everything back. */
export const OWN = '/var/lib/landfall';

/** What the host was like before anything was made: copies of files, the list of packages. */
export const BEFORE = `${OWN}/before`;

/** The files Landfall writes on a host, by what they are for. Each is copied to {@link BEFORE} before the first is written. */
export const FILES = {
  hosts: '/etc/hosts',
  modules: '/etc/modules-load.d/landfall.conf',
  /** Sorts after `99-sysctl.conf`, the link to /etc/sysctl.conf, so that what it says is the last word at boot. */
  sysctls: '/etc/sysctl.d/99-zz-landfall.conf',
} as const;

/** What was noted of the host besides its files. */
export const NOTES = {
  /** `key = value`, a line each kernel setting Landfall or Kubernetes changes. */
  sysctls: `${BEFORE}/sysctls`,
  /** The names of the loaded modules. */
  modules: `${BEFORE}/modules`,
  /** The names of the installed packages. */
  packages: `${BEFORE}/packages`,
} as const;
