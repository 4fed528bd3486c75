/** What is noted of a shard. Either tool's checkpoint is read into it. */
import type { ShardPosition } from "../types.ts";

/**
 * A shard's life:
 *
 *     listed ─┬→ waiting → running → done ─┬→ forgotten
 *             └→ skipped ──────────────────┘
 *
 * - waiting: nothing of it is applied yet. Its parent isn't done, or it has had no record, or nobody has begun;
 * - running: it is followed, and the position moves;
 * - done: it was read to its end, and all of it is applied. Its children may begin;
 * - skipped: it was closed before the following was prepared. Its children may begin;
 * - forgotten: its children are noted and it isn't listed any more, so its row is removed (core/incr/finished.ts).
 *
 * A checkpoint keeps `running` only with a sequence number: what nothing is applied of is read as `waiting`.
 */
export type ShardStatus = "waiting" | "running" | "done" | "skipped";

/** Where a shard stands, and since when. */
export interface ShardNote {
  id: string;
  /** The shard it follows; one that nobody knows is long gone, and holds nothing up. */
  parent?: string;
  status: ShardStatus;
  /** Where its reading goes on. */
  position: ShardPosition;
  /** When the last record applied was made, in ms since 1970. */
  time?: number;
  /** When the row was written, in ms since 1970. */
  updatedAt?: number;
  /**
   * When it was known last that nothing before the position is missing, in ms since 1970: every record since
   * then is still to be had for a day. Undefined: NimoShake noted it.
   */
  notedAt?: number | undefined;
  /**
   * Of the position that it was noted with first, see {@link ShardPosition}: it stays with the shard, for a row that is saved
   * after it may be lost.
   */
  since?: number | undefined;
}

/** Whether there is nothing to do for a shard any more. */
export function isOver({ status }: Pick<ShardNote, "status">): boolean {
  return status === "done" || status === "skipped";
}

/** Up to which sequence number a shard is applied; undefined: nothing is. */
export function appliedUpTo({ position }: ShardNote): string | undefined {
  return position.at === "sequence" && !position.inclusive ? position.number : undefined;
}

/** A note in words, for the log. */
export function noteText({ id, status, position }: ShardNote): string {
  return `shard ${id}, ${status}, ${position.at === "sequence" ? position.number : position.at}`;
}
