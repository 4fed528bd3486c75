/** What is compared of a table: all of it, its documents' number, or some keys. */
import type { FairSemaphore } from "../flow/semaphore.ts";
import type { Context } from "../plugin/context.ts";
import type { Item, Table } from "../types.ts";
import { givenKeys } from "./given-keys.ts";
import { type Sample, sampleKeys } from "./sample.ts";

/** What keys are found with. */
export interface Finding {
  ctx: Context;
  table: Table;
  /** Requests to the source at once, shared by all tables. */
  readers: FairSemaphore;
  /** No other table is compared. */
  isOnly: boolean;
}

/** See the top of the file. */
export type Extent =
  | { kind: "all" }
  | { kind: "count" }
  | { kind: "keys"; keys: (finding: Finding) => AsyncIterable<Item[]> };

/** Keys from a file, see {@link givenKeys}. */
export function keysFrom(path: string): Extent {
  return { kind: "keys", keys: ({ table, isOnly }) => givenKeys(path, table, isOnly) };
}

/** Some items of each table. */
export function sampleOf(sample: Sample): Extent {
  return { kind: "keys", keys: ({ ctx, table, readers }) => sampleKeys(ctx, table, sample, readers) };
}
