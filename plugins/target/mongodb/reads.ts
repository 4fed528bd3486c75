/** What a run reads of its own documents: how many there are, their keys, some of them. */
import type { Db } from "mongodb";
import type { RetryOptions } from "../../../core/flow/retry.ts";
import type { Context } from "../../../core/plugin/context.ts";
import type { Target } from "../../../core/plugin/roles.ts";
import { keyAttributes } from "../../../core/schema/keys.ts";
import type { Table } from "../../../core/types.ts";
import { targetError } from "../../_mongodb/errors.ts";
import { keyPages } from "./keys.ts";

/** What {@link createReads} takes. */
export interface ReadsOptions {
  database: string;
  onDatabase: <T>(what: string, run: (db: Db) => Promise<T>) => Promise<T>;
  /** The connections for what may take long. */
  patient: () => Promise<Db>;
  /** How a read of a table is made again. */
  retry: (what: string, table: Table) => RetryOptions;
}

/** Makes these methods. */
export function createReads(
  ctx: Pick<Context, "role" | "abandon">,
  { database, onDatabase, patient, retry }: ReadsOptions,
): Required<Pick<Target, "count" | "keys" | "sample">> {
  return {
    count: ({ targetName }) =>
      onDatabase(`counting ${database}.${targetName}`, (db) =>
        db.collection(targetName).countDocuments({}, { hint: "_id_" }),
      ),

    async *keys(table, signal) {
      const what = `reading the keys of ${database}.${table.targetName}`;
      const paths = keyAttributes(table).map(ctx.role("convert").fieldPath);
      const collection = (await patient()).collection(table.targetName);
      try {
        yield* keyPages(collection, paths, {
          retry: retry(`reading ${database}.${table.targetName}`, table),
          signal,
          abandon: ctx.abandon,
        });
      } catch (error) {
        throw targetError(error, what);
      }
    },

    sample: ({ targetName }, count) =>
      onDatabase(`reading ${database}.${targetName}`, (db) =>
        db.collection(targetName).find({}, { promoteValues: false, limit: count }).toArray(),
      ),
  };
}
