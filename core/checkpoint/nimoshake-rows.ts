/**
 * A shard's position in NimoShake's layout, field for field, so that either tool can go on from the other's
 * checkpoint. What the fields mean there was read from its source.
 */
import * as v from "valibot";
import { MigrationError } from "../errors.ts";
import type { ShardNote, ShardStatus } from "./shard-note.ts";
import type { ShardPosition } from "../types.ts";

/** A shard's row as NimoShake keeps it; all its fields are text. */
export interface ShardRow {
  ShardId: string;
  FatherId: string;
  SequenceNumber: string;
  Status: string;
  WorkerId: string;
  IteratorType: string;
  ShardIt: string;
  UpdateDate: string;
  ApproximateTime: string;
}

const SKIPPED = "no need to process";
const PREPARED = "prepare stage";
const RUNNING = "in processing";
const DONE = "done";
/** Says in ShardIt that the sequence number counts. */
const BY_NUMBER = "see sequence number";
const WORKER = "unknown-worker";

const STATUSES: Record<string, ShardStatus> = {
  "not process": "waiting",
  "wait father finish": "waiting",
  [PREPARED]: "waiting",
  [RUNNING]: "running",
  [SKIPPED]: "skipped",
  [DONE]: "done",
};

const SECOND = 1000;

/** Gives a shard's row. */
export function encodeRow({ id, parent, status, position, time, updatedAt }: ShardNote): ShardRow {
  const number = position.at === "sequence" ? position.number : "";
  return {
    ShardId: id,
    FatherId: parent ?? "",
    SequenceNumber: status === "skipped" ? "" : number,
    ...how(status, position),
    UpdateDate: updatedAt === undefined ? "" : `${toSecond(updatedAt)}Z`,
    ApproximateTime: time === undefined ? "" : `${toSecond(time).replace("T", " ")} +0000 UTC`,
  };
}

/** How to begin, in NimoShake's terms: AT_SEQUENCE_NUMBER means behind it, LATEST with a number at it. */
function how(
  status: ShardStatus,
  position: ShardPosition,
): Pick<ShardRow, "Status" | "WorkerId" | "IteratorType" | "ShardIt"> {
  const row = (Status: string, IteratorType: string, ShardIt: string) =>
    ({ Status, WorkerId: WORKER, IteratorType, ShardIt }) as const;
  if (status === "skipped") return row(SKIPPED, "AT_SEQUENCE_NUMBER", "");
  if (status === "done") return row(DONE, "AT_SEQUENCE_NUMBER", BY_NUMBER);
  // Nothing seen yet: from the oldest record, which repeats what is applied, but misses nothing.
  if (position.at !== "sequence") return row(PREPARED, "TRIM_HORIZON", "");
  if (position.inclusive) return row(PREPARED, "LATEST", BY_NUMBER);
  return row(RUNNING, "AT_SEQUENCE_NUMBER", BY_NUMBER);
}

const text = v.optional(v.string(), "");
const rowSchema = v.object({
  ShardId: v.pipe(v.string(), v.minLength(1)),
  FatherId: text,
  SequenceNumber: v.optional(v.pipe(v.string(), v.regex(/^\d*$/, "must be a decimal number")), ""),
  Status: v.picklist(Object.keys(STATUSES)),
  IteratorType: v.picklist(["LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON"]),
  UpdateDate: text,
  ApproximateTime: text,
});

/**
 * Reads a row that either tool has written.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH naming shard and field when it can't be understood
 */
export function decodeRow(saved: unknown): ShardNote {
  const { success, output, issues } = v.safeParse(rowSchema, saved);
  if (!success) throw unreadable(saved, issues[0]);
  const { ShardId: id, FatherId: parent, Status, UpdateDate, ApproximateTime } = output;
  const time = Date.parse(ApproximateTime.replace(" +0000 UTC", "Z").replace(" ", "T"));
  const updatedAt = Date.parse(UpdateDate);
  const position = positionOf(output);
  const status = STATUSES[Status]!;
  return {
    id,
    ...(parent !== "" && { parent }),
    // What wasn't applied yet is as good as not begun.
    status: status === "running" && position.at !== "sequence" ? "waiting" : status,
    position,
    ...(!Number.isNaN(time) && { time }),
    ...(!Number.isNaN(updatedAt) && { updatedAt }),
  };
}

function positionOf({ SequenceNumber, IteratorType }: v.InferOutput<typeof rowSchema>): ShardPosition {
  if (SequenceNumber === "" || IteratorType === "TRIM_HORIZON") return { at: "horizon" };
  // With LATEST the number is that of a record not applied; an iterator kept beside it has long expired.
  return { at: "sequence", number: SequenceNumber, inclusive: IteratorType === "LATEST" };
}

/** `2026-11-23T20:08:38`, in UTC. */
function toSecond(ms: number): string {
  return new Date(Math.floor(ms / SECOND) * SECOND).toISOString().slice(0, 19);
}

function unreadable(saved: unknown, issue: v.BaseIssue<unknown>): MigrationError {
  const id = (saved as Partial<ShardRow> | null)?.ShardId ?? "without an id";
  const field = v.getDotPath(issue) ?? "all of it";
  return new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the checkpoint of shard ${id} can't be understood, ${field}: ${issue.message}`,
    { hint: "start over with --fresh" },
  );
}
