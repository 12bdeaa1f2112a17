import type { EtcdSettings } from '../model/etcd.ts';
import { etcd } from './schema-etcd.ts';

/** How etcd runs when cluster.yaml does not speak of it. */
export const ETCD_DEFAULTS: EtcdSettings = etcd.parse({});
