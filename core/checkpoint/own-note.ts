/** What is saved of a shard beside its row, which is in NimoShake's layout. */
import * as v from "valibot";
import type { ShardNote } from "./shard-note.ts";

/** What a row has no place for; `since` is of a position without a number. */
export type OwnNote = { notedAt: number; since?: number | undefined };
/** The same, to be read. */
export const ownSchema: v.GenericSchema<unknown, OwnNote> = v.object({
  notedAt: v.number(),
  since: v.optional(v.number()),
});

/** What a note has of it. */
export function ownOf({ notedAt, position }: ShardNote): Partial<OwnNote> {
  const since = position.at === "sequence" ? undefined : position.since;
  return { notedAt, ...(since !== undefined && { since }) };
}
