/** What is in a collection, to be compared with the source: see `Stored`. */
import type { Db } from "mongodb";
import { readAhead } from "../../../core/flow/read-ahead.ts";
import type { Context } from "../../../core/plugin/context.ts";
import type { Stored } from "../../../core/plugin/stored.ts";
import { keyAttributes } from "../../../core/schema/keys.ts";
import type { Table } from "../../../core/types.ts";
import { createBsonStored } from "../_stored-bson.ts";
import type { Destination } from "./commands.ts";
import { withoutUnique } from "./sharding.ts";
import { findStored } from "./stored-find.ts";
import { indexFaults } from "./stored-indexes.ts";
import { storedPages } from "./stored-pages.ts";
import { removeDocuments, removeIds } from "./stored-remove.ts";

/** What {@link createStored} takes. */
export interface StoredOptions {
  /** In words, for messages: the database's name. */
  database: string;
  sharded: boolean;
  /** Makes a call until it is answered, however long that takes. */
  onDatabase: <T>(what: string, call: (db: Db) => Promise<T>) => Promise<T>;
  /** Lets a write be made. */
  writing: <T>(table: Table, write: (to: Destination) => Promise<T>) => Promise<T>;
}

/** Makes it. */
export function createStored(
  ctx: Context,
  { database, sharded, onDatabase, writing }: StoredOptions,
): Required<Omit<Stored, "keysAtOnce">> {
  const bson = createBsonStored(ctx, { madeIds: sharded });
  const reading =
    ({ targetName }: Table) =>
    <T>(call: (db: Db) => Promise<T>): Promise<T> =>
      onDatabase(`reading ${database}.${targetName}`, call);
  const pathsOf = (table: Table): string[] => keyAttributes(table).map(ctx.role("convert").fieldPath);

  const { encode, digest, keyOf, decode, idOf } = bson;
  const find: Stored["find"] = (table, records) =>
    findStored(table, records, pathsOf(table), bson, reading(table));

  return {
    encode,
    digest,
    keyOf,
    decode,
    idOf,
    find,

    read: (table, from, signal) =>
      readAhead(storedPages(table.targetName, { from, sharded, ask: reading(table), signal })),

    indexes: (table, wanted) =>
      onDatabase(`reading the indexes of ${database}.${table.targetName}`, (db) =>
        indexFaults(db, table, sharded ? withoutUnique(wanted) : wanted),
      ),

    async remove(table, what, signal) {
      const shardPath = sharded ? pathsOf(table)[0] : undefined;
      if ("ids" in what) {
        return removeIds(table, what.ids, { bson, shardPath, ask: reading(table), writing });
      }
      const documents = (await find(table, what.records, signal)).flat();
      return removeDocuments(table, documents, { shardPath, writing });
    },
  };
}
