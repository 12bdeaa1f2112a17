import type { Grave } from '../model/drain.ts';
import type { CommonFlags } from './flags.ts';

/** How a node may be made to leave. */
export interface LeaveFlags {
  readonly yes: readonly string[];
  readonly despite: readonly Grave[];
  readonly drainLimit?: number;
  readonly olderFile: boolean;
  readonly patience?: number;
}

/** What commands about leaving nodes take. */
export type LeavingFlags = LeaveFlags & CommonFlags;

/** Seconds a drain may take when nothing is said. */
export const DRAIN_LIMIT = 600;
