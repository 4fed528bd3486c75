/** A table that `sync_mode = full` has copied: its changes are all to be had while its stream reaches back so far. */
import { type MigrationError, streamGap } from "../errors.ts";
import { isAhead } from "../host/clock.ts";
import { KEPT } from "../types.ts";
import type { Table } from "../types.ts";

/** When a copy began that noted no positions, and what is known of the stream at that time. */
export interface CopyStart {
  /** In ms since 1970. */
  at: number;
  /** The stream's identifier; undefined: there was none that could be followed. */
  stream?: string | undefined;
}

/** Whether a stream still has all that was written since a copy began. */
export function isReached({ at, stream }: CopyStart, is: string | undefined): boolean {
  return stream !== undefined && stream === is && Date.now() - at <= KEPT && !isAhead(at);
}

/** The error for a table whose changes since its copy can't be had any more, or that nobody knows the time of. */
export function unreached({ name }: Table, copy?: CopyStart): MigrationError {
  return streamGap(
    `its copy was begun before positions in its stream were noted${copy === undefined ? "" : when(copy)}: table ${name}`,
  );
}

function when({ at }: CopyStart): string {
  const time = new Date(at).toISOString();
  return isAhead(at)
    ? `, at a time that nobody knows: ${time} is still to come`
    : ` at ${time}, further back than the stream is`;
}
