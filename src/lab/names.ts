import { join } from 'node:path';

/** Everything of a lab that has a name on this machine. All names begin with the lab's, so a killed lab can be recognised by them. */
export interface LabNames {
  /** Network namespaces, as `ip netns` knows them. */
  readonly bridge: string;
  readonly operator: string;
  readonly depot: string;
  readonly host: (name: string) => string;
  /** The container's name, unique on this machine, where two labs may both have a host cp-0. */
  readonly machine: (name: string) => string;
  /** What every one of the lab's namespaces begins with. */
  readonly prefix: string;
  /** Path below each cgroup hierarchy's root. */
  readonly cgroup: string;
}

/** The names of the lab called `lab`. */
export function namesOf(lab: string): LabNames {
  const prefix = `landfall.${lab}.`;
  return {
    prefix,
    bridge: `${prefix}bridge`,
    operator: `${prefix}operator`,
    depot: `${prefix}depot`,
    host: (name) => `${prefix}host.${name}`,
    machine: (name) => `landfall-${lab}-${name}`,
    cgroup: `landfall/${lab}`,
  };
}

/** The path of a named network namespace. */
export const namespacePath = (name: string): string => join('/run/netns', name);

/** The bridge's port that leads to this address: `p11` for `.11`. */
export const portOf = (address: string): string => `p${address.split('.')[3]}`;
