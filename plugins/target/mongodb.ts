/** Writing to MongoDB. */
import { type Db, ObjectId } from "mongodb";
import { derivesIds } from "../_bson/document-id.ts";
import { keyAttributes } from "../../core/schema/keys.ts";
import { mostLanes } from "../../core/flow/write-lanes.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { type RetryOptions, SERVER_RETRY, withRetry } from "../../core/flow/retry.ts";
import type { SourceRecord, Table } from "../../core/types.ts";
import { connect, patiently, ping } from "../_mongodb/client.ts";
import { createAside } from "./mongodb/aside.ts";
import {
  collectionKinds,
  createCollection,
  dropCollection,
  findCollection,
  renameAway,
} from "./mongodb/collections.ts";
import { createFitting } from "./mongodb/fitting.ts";
import { buildFirst, buildIndexes } from "./mongodb/indexes.ts";
import { inspectTarget } from "./mongodb/inspect.ts";
import { watchBuild } from "./mongodb/build.ts";
import { isPassing, targetError } from "../_mongodb/errors.ts";
import { lazily } from "../_mongodb/lazy.ts";
import { outlast } from "../_mongodb/outlast.ts";
import { retryReporter } from "../_mongodb/retry-reporter.ts";
import { checkIndexNames, checkNames, checkRenames, renamedTo } from "./mongodb/names.ts";
import { requireMongos, shardCollection, withoutUnique } from "./mongodb/sharding.ts";
import { applyBatch, type ApplyRules, rulesOf } from "./mongodb/apply.ts";
import { applyEncoded } from "./mongodb/apply-encoded.ts";
import { createReads } from "./mongodb/reads.ts";
import type { Destination } from "./mongodb/commands.ts";
import { writeBatch, writeEncoded } from "./mongodb/insert.ts";
import { createInsertFirsts, hasUniqueKey } from "./mongodb/insert-first.ts";
import { createStored } from "./mongodb/stored.ts";

/** `target.type = mongodb`: database = `id`, collection = table. */
const mongodb: Plugin = definePlugin({
  name: "target/mongodb",
  setup(ctx) {
    const { config, log } = ctx;
    const database = config.id;
    const startedAt = new Date();
    const sharded = derivesIds(config);
    /** Tables an earlier process had begun: what is there already may be its. */
    const resumed = new Set<string>();
    const firsts = createInsertFirsts(async (table) => {
      const paths = keyAttributes(table).map(ctx.role("convert").fieldPath);
      return patiently(hasUniqueKey(await patient(), table, paths), ctx.abandon);
    });
    const warn = (message: string): void => log.warn(message);
    /** Tables that are copied again over what is there. */
    const overwritten = new Set<string>();
    /** Tables whose indexes came before their first document, until they are asked for: what is in the way is said then. */
    const indexedFirst = new Set<string>();
    /** Of records that an `error` hook may want written again. */
    const ids = new WeakMap<SourceRecord, Uint8Array>();
    const lanes = (): number => config["full.concurrency"] * mostLanes(config["full.document.concurrency"]);
    const lazy = lazily(() => connect(config["target.address"], lanes, log, ctx));
    const { connected } = lazy;

    const patient = async (): Promise<Db> => (await connected()).patient.db(database);

    ctx.provide("target", {
      place: `database ${database}`,
      guardsKeys: sharded,

      async connect() {
        await connected();
      },

      async check(tables) {
        checkNames(tables, { database, sharded });
        const { isMongos } = await connected();
        if (sharded) requireMongos(isMongos);
        else if (isMongos) log.info("the target is a mongos: target.mongodb.type = replica shards nothing");
      },

      find: ({ targetName }) =>
        onDatabase(`looking for ${database}.${targetName}`, (db) => findCollection(db, targetName)),

      async checkRoom(tables) {
        if (config["target.db.exist"] !== "rename") return;
        const kinds = await onDatabase(`listing the collections of ${database}`, collectionKinds);
        checkRenames(database, tables, startedAt, kinds);
      },

      checkIndexes: checkIndexNames,

      async makeRoom({ targetName }) {
        const what = `${config["target.db.exist"]} existing collection ${database}.${targetName}`;
        log.info(what);
        await onDatabase(what, (db, attempt) =>
          config["target.db.exist"] === "drop"
            ? dropCollection(db, targetName)
            : renameAway(db, targetName, startedAt, attempt),
        );
        return config["target.db.exist"] === "drop" ? undefined : renamedTo(targetName, startedAt);
      },

      async create(table) {
        const { targetName } = table;
        indexedFirst.delete(table.name);
        await onDatabase(`creating collection ${database}.${targetName}`, (db) =>
          createCollection(db, targetName),
        );
        if (sharded) await shard(table);
      },

      async resume(table, { units, indexes }) {
        resumed.add(table.name);
        // What an earlier try of this process has left is there, too.
        indexedFirst.delete(table.name);
        if (units.length === 0) overwritten.add(table.name);
        if (sharded) await shard(table);
        if (sharded && units.length > 0) return;
        const needed = sharded ? withoutUnique(indexes) : indexes.filter((index) => index.unique);
        await onDatabase(`building the key's index of ${database}.${table.targetName}`, (db) =>
          buildIndexes(db, table, needed, warn),
        );
      },

      write: (batch) => writing(batch.unit.table, (to) => writeBatch(batch, to)),

      async indexFirst(table, indexes) {
        if (!resumed.has(table.name)) indexedFirst.add(table.name);
        await onDatabase(`building the indexes of ${database}.${table.targetName}`, (db) =>
          buildFirst(db, table, sharded ? withoutUnique(indexes) : indexes),
        );
      },

      apply: (batch) => applying(batch.unit.table, (to, rules) => applyBatch(batch, to, rules)),

      applyEncoded: (batch) =>
        applying(batch.unit.table, (to, rules) =>
          applyEncoded(batch, to, rules, firsts.of(batch.unit.table)),
        ),

      writeEncoded: (batch) => writing(batch.unit.table, (to) => writeEncoded(batch, to)),

      async index(table, indexes, { onProgress, onLeftOut }) {
        const tell = (message: string, index: string): void => {
          warn(message);
          onLeftOut?.(index, message);
        };
        fitting.planned(table, indexes);
        indexedFirst.delete(table.name);
        firsts.forget(table);
        const what = `building the indexes of ${database}.${table.targetName}`;
        return onDatabase(what, (db) => {
          const build = buildIndexes(db, table, sharded ? withoutUnique(indexes) : indexes, tell);
          return onProgress ? watchBuild(db, table.targetName, build, onProgress) : build;
        });
      },

      ...createReads(ctx, { database, onDatabase, patient, retry }),

      stored: createStored(ctx, { database, sharded, onDatabase, writing }),

      ping: (signal) => ping(lazy.opened, signal),
      outlast: async (dead) => outlast(await connected(), dead, ctx),

      ...createAside(onDatabase),
      inspect: (tables) =>
        onDatabase("asking target.address what it is", ({ client }) => inspectTarget(client, config, tables)),

      close: lazy.close,
    });

    const fitting = createFitting(ctx, { database, indexedFirst, onDatabase });

    function idOf(record: SourceRecord): Uint8Array {
      const id = ids.get(record) ?? ObjectId.generate();
      ids.set(record, id);
      return id;
    }

    const partitionPath = ({ keys }: Table): string => ctx.role("convert").fieldPath(keys.partition);

    const shard = (table: Table): Promise<void> =>
      onDatabase(`sharding collection ${database}.${table.targetName}`, (db) =>
        shardCollection(db, table, partitionPath(table)),
      );

    function retry(what: string, table?: Table): RetryOptions {
      return {
        policy: { ...SERVER_RETRY, total: ctx.patience },
        before: ctx.mayWrite,
        passes: isPassing,
        signal: ctx.signal,
        onRetry: retryReporter(ctx, "target", what, table?.name),
      };
    }

    /** Runs what may be repeated and may take long, until the server has answered. */
    async function onDatabase<T>(what: string, run: (db: Db, attempt: number) => Promise<T>): Promise<T> {
      const db = await patient();
      try {
        return await withRetry((attempt) => patiently(run(db, attempt), ctx.abandon), retry(what));
      } catch (error) {
        throw targetError(error, what);
      }
    }

    function applying<T>(
      table: Table,
      apply: (to: Destination, rules: ApplyRules) => Promise<T>,
    ): Promise<T> {
      return writing(table, (to) => apply({ ...to, replaceDuplicates: false, byKey: true }, rulesOf(config)));
    }

    /** Calls a writer with all it needs to know, and translates what it throws. */
    async function writing<T>(table: Table, write: (to: Destination) => Promise<T>): Promise<T> {
      const what = `writing to ${database}.${table.targetName}`;
      const path = partitionPath(table);
      const { data, inTurn, surely } = await connected();
      const db = data.db(database);
      try {
        const to: Destination = {
          db,
          table,
          doubles: ctx.role("convert").numbers === "double",
          ...(ctx.listens("error") && { idOf }),
          ids: path.split(".")[0] === "_id" ? "key" : sharded ? "derived" : "any",
          byKey: false,
          overwrites: sharded && overwritten.has(table.name),
          isIndexedFirst: indexedFirst.has(table.name),
          partitionPath: path,
          replaceDuplicates: config["full.executor.insert_on_dup_update"] || resumed.has(table.name),
          makeFit: (error, record) => fitting.fit(table, error, record, to),
          retry: retry(what, table),
          inTurn: (send) => inTurn(send, ctx.mayWrite),
          surely,
        };
        return await write(to);
      } catch (error) {
        throw targetError(error, what);
      }
    }
  },
});
export default mongodb;
