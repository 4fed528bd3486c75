/** What `check` asks the roles beside what a run asks them: what is there, and which rights are granted. Nothing is changed. */
import type { MigrationError } from "../errors.ts";

/** Whether an action may be done. */
export interface Right {
  /** As the service calls it: `dynamodb:Scan`, `insert`. */
  action: string;
  /** The tables, databases or folders that this holds for. */
  on: string[];
  /** Untested: it can't be tried without a change, or nobody could say. */
  state: "granted" | "missing" | "untested";
  /** What it is for, in words that go on after "to": `read the items`. */
  purpose: string;
  /** A run with this configuration can't do without it. */
  isNeeded: boolean;
  /** Why nobody knows, in words. */
  why?: string;
}

/** What every role says. */
export interface Inspection {
  rights: Right[];
  /** What is worth a look, a sentence each. */
  warnings?: string[];
}

/** What a source says. */
export interface SourceInspection extends Inspection {
  endpoint?: string;
  region?: string;
  account?: string;
  /** By the source's names. */
  tables: Map<string, TableFacts>;
  /** How long one small request takes, in ms. */
  roundTrip?: number;
}

/** What else is known of a table at the source. */
export interface TableFacts {
  /** The attribute by which its items expire; null: they don't; undefined: it isn't granted to ask. */
  expiry?: string | null;
  /** What the stream's records have, such as NEW_AND_OLD_IMAGES; undefined: there is no stream. */
  streamView?: string;
  billing?: "on demand" | "provisioned";
  /** Of provisioned tables, capacity units a second. */
  readCapacity?: number;
  writeCapacity?: number;
}

/** What who follows the streams says. */
export interface StreamsInspection extends Inspection {
  /** The tables whose streams a start would enable. */
  toEnable: string[];
  /** What `Streams.open` would throw. */
  refusals: MigrationError[];
}

/** What a target says. */
export interface TargetInspection extends Inspection {
  /** Such as `MongoDB`. */
  product?: string;
  version?: string;
  /** Such as `replica set rs0`, and what else there is to say of it. */
  kind?: string;
}
