/** What is kept of a run, of its tables and of their units, and how it is read again. */
import * as v from "valibot";
import type { CopyStart } from "./copy-start.ts";
import { MigrationError } from "../errors.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { isObject } from "../plugin/shape.ts";
import type { Position } from "../types.ts";

/** What is known of a run. */
export interface RunState {
  /** Its tables' states carry it, and those of other runs don't count; of two runs the later one's is greater. */
  id?: string | undefined;
  settings: Fingerprint;
  /** ISO 8601. */
  startedAt: string;
  /** Its full phase was done and said so, or there was none. */
  copiedAt?: string | undefined;
  /** Undefined: not finished. */
  finishedAt?: string | undefined;
  /** A switch-over has ended it, ISO 8601; undefined: none has, or it was started again since. */
  switchedOverAt?: string | undefined;
  /** Streams are followed in it: a full phase doesn't finish it. */
  followed?: boolean | undefined;
  /** The tables that were taken over from NimoShake, all at once, and the states they begin with. */
  adopted?: Adopted[] | undefined;
}

/** See {@link RunState}. A list: names may be `constructor` or `__proto__`. */
export interface Adopted {
  table: string;
  state: TableState;
}

/**
 * Where a table stands. A stage is saved before its work begins; what is set stays, unless the table says otherwise.
 *
 * | step               | set with it                                                    | in                |
 * | ------------------ | -------------------------------------------------------------- | ----------------- |
 * | fresh              | there is no state                                              |                   |
 * | fresh → making     | `source`, `key`, `targetName`, `units`; `before` if something  | run/target-tables |
 * |                    | was there; `copy` with `sync_mode = full`                      |                   |
 * | making → copying   | `made`                                                         | run/target-tables |
 * | its stream opened  | `noted`, before the first Scan; `copy` is gone                 | run/open-stream   |
 * | copying → indexing | nothing                                                        | run/table         |
 * | copying → done     | as the next row: it was indexed while it was counted           | run/table         |
 * | indexing → done    | `indexes`, `secondary`; anew when the source gets more of them | run/table         |
 * | any → copying      | a resync: `round` + 1, `source`, `key`, `targetName`, `units`; | run/resync        |
 * |                    | `noted` is false, `copy` and `deletedAt` are gone              |                   |
 * | fresh → done       | only followed: as making; `units` is 0 where no run of ours    | run/target-tables |
 * |                    | has copied it; `made` if it is there                           |                   |
 * | fresh → done       | NimoShake's: the same, with  `made` and `noted`              | adopt-nimoshake   |
 * | deleted            | `deletedAt`; the stage stays                                   | run/deleted-table |
 *
 * A table that is making is made again by the next start; one that is copying or indexing is gone on with.
 */
export interface TableState {
  /** The run it belongs to; undefined: an older version's. */
  run?: string | undefined;
  /** Making: its place at the target is being made. Indexing: a table copied again is swept first. */
  stage: "making" | "copying" | "indexing" | "done";
  /** What somebody else had at the target, see `Target.find`: to be renamed or dropped. */
  before?: string | undefined;
  /** What was made there, see `Target.find`: it must be there still when the run goes on. */
  made?: string | undefined;
  /** The source's identifier of the table. */
  source?: string | undefined;
  /** Its key in words, as the source has it; undefined: an older version didn't note it. */
  key?: string | undefined;
  targetName: string;
  /** How many units it is split into, whatever the settings say later; 0: it wasn't copied by this tool. */
  units: number;
  /** How often it was begun again, see core/run/resync.ts; its units are kept under other names then. */
  round?: number | undefined;
  /** When it was begun again within a day, in ms since 1970. */
  rounds?: number[] | undefined;
  /** How many indexes it has, once it is done. */
  indexes?: number | undefined;
  /** The names of the source's secondary indexes that were made then. */
  secondary?: string[] | undefined;
  /** Its copy was begun with no positions in its stream noted: a stream must reach back to then. */
  copy?: CopyStart | undefined;
  /**
   * Positions in its stream were noted since it was begun: they can't be taken anew. False: it was begun again, and
   * what may still be there is from before.
   */
  noted?: boolean | undefined;
  /** It was deleted at the source while it was followed, ISO 8601; undefined also: it was made anew since. */
  deletedAt?: string | undefined;
}

/** What is noted of a table before its place is made. */
export type TableMaking = Omit<TableState, "run"> & { stage: "making" };

/** How far a unit is: what was read up to the position is written, or was dropped by a hook. */
export interface UnitState {
  /** Where to go on; undefined: the unit is finished. */
  position?: Position | undefined;
  read: number;
  filtered: number;
  overflowed: number;
  bytes: number;
}

/** DynamoDB splits a Scan into no more. */
const MOST_UNITS = 1_000_000;
/** A number of things. */
export const countSchema: v.GenericSchema<unknown, number> = v.pipe(v.number(), v.integer(), v.minValue(0));
/** A number of bytes; a plugin's may be an estimate, with a fraction. */
const bytesSchema: v.GenericSchema<unknown, number> = v.pipe(v.number(), v.finite(), v.minValue(0));
/** How many units a table is split into: as many would be made of anything else. */
export const unitsSchema: v.GenericSchema<unknown, number> = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(MOST_UNITS),
);
/** See {@link TableState}. */
export const tableSchema: v.GenericSchema<unknown, TableState> = v.object({
  run: v.optional(v.string()),
  stage: v.picklist(["making", "copying", "indexing", "done"]),
  before: v.optional(v.string()),
  made: v.optional(v.string()),
  source: v.optional(v.string()),
  key: v.optional(v.string()),
  targetName: v.string(),
  units: unitsSchema,
  round: v.optional(v.number()),
  rounds: v.optional(v.array(v.number())),
  indexes: v.optional(v.number()),
  secondary: v.optional(v.array(v.string())),
  copy: v.optional(v.object({ at: v.number(), stream: v.optional(v.string()) })),
  noted: v.optional(v.boolean()),
  deletedAt: v.optional(v.string()),
});

/** See {@link RunState}. */
export const runSchema: v.GenericSchema<unknown, RunState> = v.object({
  id: v.optional(v.string()),
  settings: v.record(v.string(), v.string()),
  startedAt: v.string(),
  copiedAt: v.optional(v.string()),
  finishedAt: v.optional(v.string()),
  switchedOverAt: v.optional(v.string()),
  followed: v.optional(v.boolean()),
  adopted: v.optional(v.array(v.object({ table: v.string(), state: tableSchema }))),
});

/** See {@link UnitState}. */
export const unitSchema: v.GenericSchema<unknown, UnitState> = v.object({
  position: v.optional(v.custom<Position>(isObject)),
  read: countSchema,
  filtered: countSchema,
  overflowed: countSchema,
  bytes: bytesSchema,
});

/**
 * What was saved, if it is what it should be.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH
 */
export function readState<State>(
  schema: v.GenericSchema<unknown, State>,
  saved: unknown,
  place: string,
): State | undefined {
  if (saved === undefined) return undefined;
  const { success, output, issues } = v.safeParse(schema, saved);
  if (success) return output;
  const [issue] = issues;
  throw new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the checkpoint can't be understood, ${v.getDotPath(issue) ?? "all of it"}: ${issue.message}: ${place}`,
    { hint: "start over with --fresh" },
  );
}
