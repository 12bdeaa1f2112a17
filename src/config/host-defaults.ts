import type { Host } from '../model/cluster.ts';
import { completeHost } from './defaults.ts';
import { host } from './schema-host.ts';

/** What is made of hosts when cluster.yaml does not speak of them. */
export const HOST_DEFAULTS: Host = completeHost(host.parse({}));
