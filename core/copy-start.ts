/** A table that `sync_mode = full` has copied: its changes are all to be had while its stream reaches back so far. */
import { KEPT } from "./shard-age.ts";

/** When a copy began that noted no positions, and what is known of the stream at that time. */
export interface CopyStart {
  /** In ms since 1970. */
  at: number;
  /** The stream's identifier; undefined: there was none that could be followed. */
  stream?: string | undefined;
}

/** Whether a stream still has all that was written since a copy began. */
export function isReached({ at, stream }: CopyStart, is: string | undefined): boolean {
  return stream !== undefined && stream === is && Date.now() - at <= KEPT;
}
