/** What the stand-in with many tables tells of itself, and which calls the service limits. */

/** Calls a second that an account may make, of those that it needs many of. */
export const PER_SECOND = { DescribeStream: 10, DescribeTable: 2500 } as const;

/** What came since the stand-in was told to begin anew; times in ms since 1970, 0: not yet. */
export interface ManyStats {
  firstRequestAt: number;
  /** The last Scan. */
  scannedAt: number;
  /** When a shard was first asked for more than one record, of the last one of which that is true. */
  followedAt: number;
  /** Shards that were asked so. */
  followed: number;
  /** How long ago the shard was asked that was asked least lately, in ms. */
  oldestMs: number;
  /** By operation. */
  calls: Record<string, number>;
  /** The most within a second, by operation. */
  highest: Record<string, number>;
  /** Calls of DescribeStream that were refused. */
  refused: number;
}
