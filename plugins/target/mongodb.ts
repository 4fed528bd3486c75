import type { Db } from "mongodb";
import { MigrationError } from "../../core/errors.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { type RetryOptions, SERVER_RETRY, withRetry } from "../../core/retry.ts";
import type { Table } from "../../core/types.ts";
import { connect, type Connections } from "./_mongodb-client.ts";
import {
  buildIndexes,
  createCollection,
  dropCollection,
  existingCollections,
  renameAway,
} from "./_mongodb-collections.ts";
import { isPassing, targetError } from "./_mongodb-errors.ts";
import { checkNames } from "./_mongodb-names.ts";
import { type Destination, writeBatch, writeEncoded } from "./_mongodb-write.ts";

/** `target.type = mongodb`: database = `id`, collection = table. */
const mongodb: Plugin = definePlugin({
  name: "target/mongodb",
  setup(ctx) {
    const { config, log } = ctx;
    const database = config.id;
    const exists = config["target.db.exist"];
    let opened: Promise<Connections> | undefined;
    const connected = (): Promise<Connections> => {
      const lanes = config["full.concurrency"] * config["full.document.concurrency"];
      return (opened ??= connect(config["target.address"], lanes, log, ctx.signal));
    };

    ctx.provide("target", {
      async check(tables) {
        checkNames(database, tables, config["full.enable_index.user"]);
        const existing = await onDatabase("listing collections", (db) => existingCollections(db, tables));
        if (existing.length === 0 || exists !== "") return;
        throw new MigrationError(
          "TARGET_EXISTS",
          `the target has ${existing.join(", ")} already: database ${database}`,
          { hint: "set target.db.exist to rename or drop, or choose another id" },
        );
      },

      async prepare(tables) {
        const now = new Date();
        const existing = await onDatabase("listing collections", (db) => existingCollections(db, tables));
        for (const name of existing) {
          const what = `${exists} existing collection ${database}.${name}`;
          log.info(what);
          await onDatabase(what, (db, attempt) =>
            exists === "drop" ? dropCollection(db, name) : renameAway(db, name, now, attempt),
          );
        }
        for (const { targetName } of tables) {
          const what = `creating collection ${database}.${targetName}`;
          await onDatabase(what, (db, attempt) => createCollection(db, targetName, attempt));
        }
      },

      write: (batch) => writing(batch.unit.table, (to) => writeBatch(batch, to)),

      writeEncoded: (batch) => writing(batch.unit.table, (to) => writeEncoded(batch, to)),

      async index(table, indexes) {
        if (indexes.length === 0) return 0;
        const what = `building the indexes of ${database}.${table.targetName}`;
        await onDatabase(what, (db) => buildIndexes(db, table, indexes));
        return indexes.length;
      },

      count: ({ targetName }) =>
        onDatabase(`counting ${database}.${targetName}`, (db) =>
          db.collection(targetName).countDocuments({}, { hint: "_id_" }),
        ),

      async close() {
        const connections = await opened?.catch(() => undefined);
        opened = undefined;
        await connections?.close();
      },
    });

    function retry(what: string): RetryOptions {
      return {
        policy: SERVER_RETRY,
        passes: isPassing,
        signal: ctx.signal,
        onRetry: (error, pause) =>
          log.warn(`${what}: ${(error as Error).message}; again in ${Math.round(pause)} ms`),
      };
    }

    /** Runs what may be repeated and may take long, until the server has answered. */
    async function onDatabase<T>(what: string, run: (db: Db, attempt: number) => Promise<T>): Promise<T> {
      const db = (await connected()).patient.db(database);
      try {
        return await withRetry((attempt) => run(db, attempt), retry(what));
      } catch (error) {
        throw targetError(error, what);
      }
    }

    /** Calls a writer with all it needs to know, and translates what it throws. */
    async function writing<T>(table: Table, write: (to: Destination) => Promise<T>): Promise<T> {
      const what = `writing to ${database}.${table.targetName}`;
      const convert = ctx.role("convert");
      const db = (await connected()).data.db(database);
      try {
        return await write({
          db,
          table,
          doubles: convert.numbers === "double",
          idIsKey: convert.fieldPath(table.keys.partition).split(".")[0] === "_id",
          replaceDuplicates: config["full.executor.insert_on_dup_update"],
          retry: retry(what),
        });
      } catch (error) {
        throw targetError(error, what);
      }
    }
  },
});
export default mongodb;
