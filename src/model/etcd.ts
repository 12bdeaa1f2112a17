/** How often etcd is written down: every hour, once a day, or not at all. */
export const SNAPSHOT_PACES = ['hourly', 'daily', 'never'] as const;

/** Whether room that etcd does not use any more is given back to the disk by itself. */
export const DEFRAGMENTS = ['when-needed', 'never'] as const;

/** How etcd runs on every control plane, as the `etcd` section of cluster.yaml gives it. */
export interface EtcdSettings {
  /** How large its database may grow, as Kubernetes writes sizes: `8Gi`. */
  readonly quota: string;
  /** Milliseconds between two signs of life of the leader. */
  readonly heartbeat: number;
  /** Milliseconds of silence after which the others elect another leader. */
  readonly election: number;
  readonly defragment: (typeof DEFRAGMENTS)[number];
  readonly snapshots: {
    readonly every: (typeof SNAPSHOT_PACES)[number];
    /** How many of the newest are kept. */
    readonly keep: number;
    /** Of how many days before those the last one is kept, too. */
    readonly days: number;
  };
}

/** One argument of a program, as kubeadm's file has them. */
export interface Flag {
  readonly name: string;
  readonly value: string;
}

/** What etcd is told on its command line of its settings, sorted by name. */
export function etcdFlags({ quota, heartbeat, election }: EtcdSettings): readonly Flag[] {
  return [
    { name: 'election-timeout', value: String(election) },
    { name: 'heartbeat-interval', value: String(heartbeat) },
    { name: 'quota-backend-bytes', value: String(quotaBytes(quota)) },
  ];
}

/** Takes a size in Gi; gives its bytes. */
export function quotaBytes(quota: string): number {
  return Number.parseInt(quota, 10) * 1024 ** 3;
}
