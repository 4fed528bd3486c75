/** What `check` has found: what a start would do, and what is in its way. JSON as it is; null: not known, or there is none. */
import type { Config } from "../config/config.ts";
import type { MigrationError } from "../errors.ts";
import type { Right } from "../plugin/roles.ts";
import type { TableProfile } from "./profile.ts";

/** See the top of the file. */
export interface Plan {
  id: string;
  syncMode: Config["sync_mode"];
  /** As a start would choose it: what NimoShake has begun is gone on with as it began. */
  convertType: Config["convert.type"];
  /** What a run holds at most of what is read and not written yet, in bytes: `memory.limit`. */
  memoryLimit: number;
  source: SourcePlan;
  target: TargetPlan;
  checkpoint: CheckpointPlan;
  start: StartPlan;
  tables: TablePlan[];
  estimate: Estimate;
  rights: (Right & { side: "source" | "target" | "checkpoint" })[];
  /** Sentences; none of it refuses a start. */
  warnings: string[];
  /** All that would refuse a start or end it soon, and what couldn't be asked. */
  problems: Problem[];
}

/** The source. */
export interface SourcePlan {
  /** Endpoint or AWS, and the region. */
  place: string;
  region: string | null;
  account: string | null;
  reached: boolean;
}

/** The target. */
export interface TargetPlan {
  type: Config["target.type"];
  /** Host and database, or the folder. */
  place: string;
  product: string | null;
  version: string | null;
  /** Such as `replica set rs0`. */
  kind: string | null;
  reached: boolean;
}

/** What is kept of earlier runs, and who has it. */
export interface CheckpointPlan {
  place: string;
  reached: boolean;
  /** An earlier run, whether it is gone on with or not. */
  run: { startedAt: string; copiedAt: string | null; finishedAt: string | null } | null;
  lease: LeasePlan | null;
  /** Of the pid file in the working folder. */
  process: { file: string; pid: number | null; running: boolean } | null;
}

/** Who has the lease. */
export interface LeasePlan {
  pid: number;
  host: string;
  since: string;
  /** Since it was renewed. */
  ageSeconds: number;
  /**
   * Running: a start would be refused. Expired, or dead: a start takes it. Silent: it wasn't renewed while it was looked
   * at, and a start waits until it has expired.
   */
  state: "running" | "dead" | "expired" | "silent";
}

/** What a start would do. */
export interface StartPlan {
  /** Unknown: something couldn't be asked. */
  does: "copy" | "go on" | "follow" | "nothing" | "unknown";
  refused: boolean;
  /** In words. */
  text: string;
}

/** One table. */
export interface TablePlan {
  name: string;
  targetName: string;
  /** As the source last counted them: an estimate. */
  items: number;
  bytes: number;
  /** In words: `pk S, sk N`. */
  key: string;
  /** The attribute by which items expire: null in it: they don't. Null: it isn't granted to ask. */
  expiry: { attribute: string | null } | null;
  stream: { state: "not needed" | "on" | "to be enabled" | "unfit" | "unknown"; view: string | null };
  billing: "on demand" | "provisioned" | null;
  /** Of a provisioned table, units a second. */
  readCapacity: number | null;
  segments: number;
  indexes: { name: string; unique: boolean; origin: "primary" | "user" }[];
  /** What a start does with it; null: not known. */
  action: "copy" | "go on" | "take over" | "follow" | "nothing" | null;
  /** What of it is yet to be read. */
  left: { items: number; bytes: number };
  /** From where its stream is read: with sync_mode = incr: `checkpoint`, `now`, or a time in ISO 8601. */
  followsFrom: string | null;
  /** What becomes of what is there under its name; null: not known. */
  existing: "nothing is there" | "kept" | "refused" | "renamed" | "dropped" | null;
  estimate: TableEstimate;
  profile: TableProfile | null;
}

/** What copying a table takes. */
export interface TableEstimate {
  /** Requests to the source. */
  pages: number;
  pageBytes: number;
  readUnits: number;
  /** At least, by itself. */
  seconds: number;
}

/** What the full phase takes. */
export interface Estimate {
  items: number;
  bytes: number;
  pages: number;
  /** A consistent read costs twice an eventually consistent one. */
  readUnits: number;
  consistent: boolean;
  /** In words. */
  cost: string;
  /** What is written, in bytes: as the samples say, else as at the source. */
  writeBytes: number;
  /** At least: by what is configured, and the time of one request. */
  seconds: number;
  /** What takes the longest, in words; null: nothing does. */
  limitedBy: string | null;
  /** How long one small request took, in ms. */
  roundTrip: number | null;
}

/** What is in the way. */
export interface Problem {
  code: MigrationError["code"];
  message: string;
  hint: string | null;
  /** A start would be refused, or couldn't do its work; false: something couldn't be asked. */
  refuses: boolean;
}

/** 2: a start would be refused, or a right is missing that it needs. 1: a side can't be asked. 0: neither. */
export function exitOf({ problems }: Plan): number {
  if (problems.some(({ refuses }) => refuses)) return 2;
  return problems.length > 0 ? 1 : 0;
}
