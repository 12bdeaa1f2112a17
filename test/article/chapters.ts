import { BEFORE } from './before.ts';
import { CLUSTER, NETWORK } from './cluster.ts';
import type { Chapter } from './item.ts';
import { PACKAGES } from './packages.ts';
import { PROOF } from './proof.ts';
import { RUNTIME } from './runtime.ts';
import { SERVER, SERVER_CONTINUED } from './server.ts';

/** The whole article, in its order. */
export const CHAPTERS: readonly Chapter[] = [
  ...BEFORE,
  SERVER,
  SERVER_CONTINUED,
  ...PACKAGES,
  ...RUNTIME,
  CLUSTER,
  NETWORK,
  ...PROOF,
];
