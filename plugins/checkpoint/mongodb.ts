/** The checkpoint in MongoDB. */
import { type Db, MongoServerError } from "mongodb";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { leaseLost } from "../../core/plugin/lease-lost.ts";
import { SERVER_RETRY, withRetry } from "../../core/flow/retry.ts";
import type { Holder } from "../../core/plugin/roles.ts";
import { DUPLICATE_KEY } from "../_mongodb/errors.ts";
import {
  answered,
  type Calls,
  connect,
  type Connections,
  DURABLE,
  WRITE_TIMEOUT,
} from "../_mongodb/client.ts";
import { isPassing } from "../_mongodb/errors.ts";
import { retryReporter } from "../_mongodb/retry-reporter.ts";
import { joined } from "./mongodb/joined.ts";
import {
  claimLease,
  isLost,
  leaseCondition,
  type LeasePlace,
  findLease,
  releaseLease,
  renewLease,
} from "./mongodb/lease.ts";
import {
  allParts,
  commands,
  execute,
  find,
  forgetting,
  parse,
  type StateDocument,
  type Upsert,
} from "./mongodb/states.ts";
import { ADDRESS, failed } from "./mongodb/failure.ts";
import { collectionProblems, refuseTables } from "./_check-tables.ts";
import { originalName } from "./_nimoshake.ts";
import { loadOriginal, originalCollection, originalUpserts } from "./mongodb/nimoshake-collections.ts";
import { createOwnership } from "./_ownership.ts";
import { createQueue, type States } from "./_queue.ts";

const COLLECTION = "states";
/** Saves at once; more of them wait. */
const LANES = 8;
/** Of NimoShake's rows in one command. */
const MOST_ROWS = 1000;

/**
 * `checkpoint.type = mongodb`: a document a part in the database `<checkpoint.db>-state`; the streams' positions in
 * `<checkpoint.db>` as NimoShake has them.
 */
const mongodb: Plugin = definePlugin({
  name: "checkpoint/mongodb",
  setup(ctx) {
    const { config, log } = ctx;
    const { id } = config;
    const database = `${config["checkpoint.db"]}-state`;
    const place = `database ${database}`;
    const leasePlace: LeasePlace = { collection: COLLECTION, id };
    /** Who may save; undefined: anybody. */
    let holder: Holder | undefined;
    let opened: Promise<Connections> | undefined;

    /** Saves in our own place, in the same command that looks whether the lease is still the holder's. */
    async function update(db: Db, updates: object[]): Promise<void> {
      if (holder === undefined) return execute(db, { update: COLLECTION, updates, ordered: false });
      const held = [leaseCondition(id, holder), ...updates];
      await execute(db, { update: COLLECTION, updates: held, ordered: true }).catch((error: unknown) => {
        throw isLost(error) ? leaseLost(id) : error;
      });
    }

    /**
     * Forgets in our own place. A delete can't be in one command with that look. So an update, which can, takes the
     * states out of the documents first, and the delete finds only documents without one.
     */
    async function forget(ids: object): Promise<void> {
      const statements = forgetting(ids);
      await onDatabase("clearing", async (db) => {
        await update(db, [statements.update]);
        await execute(db, { delete: COLLECTION, deletes: [statements.delete] });
      });
    }

    /** Looks at the lease before what can't be in one command with that. Tables that save at once share one look. */
    const checkLease = joined(async () => {
      if (holder === undefined) return;
      const ours = holder;
      const found = await onDatabase("saving to", (db) => renewLease(db, leasePlace, ours));
      if (found?.holder.token !== ours.token) throw leaseLost(id, found?.holder);
    });

    /** In NimoShake's layout and place. */
    async function saveOriginal(name: string, states: States): Promise<void> {
      await checkLease();
      await ownership.claim();
      const updates = originalUpserts(name, states);
      for (let at = 0; at < updates.length; at += MOST_ROWS) {
        const some = updates.slice(at, at + MOST_ROWS);
        const save = (db: Db): Promise<void> =>
          execute(db, { update: originalCollection(name), updates: some, ordered: false });
        // Of two upserts that insert at once one fails; sent again, it finds something to update.
        await onOriginal("saving to", (db) =>
          save(db).catch((error: MongoServerError) => {
            if (error.code !== DUPLICATE_KEY) throw error;
            return save(db);
          }),
        );
      }
    }

    const queue = createQueue(async (name, states) => {
      if (originalName(name)) return saveOriginal(name, states);
      const updatedAt = new Date();
      const upserts = [...states].map(([part, state]): Upsert => ({
        q: { _id: { id, name, part } },
        u: { state, updatedAt },
        upsert: true,
      }));
      for (const updates of commands(upserts)) {
        await onDatabase("saving to", (db) => update(db, updates));
      }
    });

    ctx.provide("checkpoint", {
      place,

      async check(tables) {
        const follows = config.sync_mode !== "full";
        const problems = follows ? collectionProblems(config["checkpoint.db"], tables) : [];
        refuseTables(tables, `database ${config["checkpoint.db"]}`, problems);
      },

      load: (name) =>
        queue.run(name, async () => {
          if (originalName(name)) {
            await ownership.check();
            return onOriginal("reading", (db) => loadOriginal(db, name));
          }
          const found = await onDatabase("reading", (db) => find(db.collection(COLLECTION), id, name));
          return new Map(found.map(({ _id, state }) => [_id.part, parse(state, name, place)]));
        }),

      save: (name, parts) => queue.save(name, parts),

      clear: (name) =>
        queue.run(name, async () => {
          if (!originalName(name)) return forget(allParts(id, name));
          await checkLease();
          await ownership.check();
          return onOriginal("clearing", async (db) => {
            await db.dropCollection(originalCollection(name), { writeConcern: DURABLE });
          });
        }),

      remove: (name, parts) =>
        queue.run(name, async () => {
          if (parts.length === 0) return;
          if (!originalName(name)) return forget({ $in: parts.map((part) => ({ id, name, part })) });
          await checkLease();
          await ownership.check();
          const deletes = [{ q: { ShardId: { $in: parts } }, limit: 0 }];
          await onOriginal("clearing", (db) => execute(db, { delete: originalCollection(name), deletes }));
        }),

      lease: {
        async claim(ours, options) {
          const found = await onLease((db) => claimLease(db, leasePlace, ours, options));
          if (found.holder.token === ours.token) holder = ours;
          return found;
        },
        renew: (ours) => onLease((db) => renewLease(db, leasePlace, ours)),
        find: () => onLease((db) => findLease(db, leasePlace)),
        release: (ours) => onLease((db) => releaseLease(db, leasePlace, ours)),
      },

      async close() {
        const connections = await opened?.catch(() => undefined);
        opened = undefined;
        await connections?.close();
      },
    });

    const owner: StateDocument["_id"] = { id: "", name: "owner", part: "" };
    const ownership = createOwnership({
      id,
      place: `database ${config["checkpoint.db"]}`,
      hint: `set checkpoint.db to another database; if that migration is over, drop that one, and the document whose _id.name is owner from ${database}.${COLLECTION}`,

      async read() {
        const options = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;
        const found = await onDatabase("reading", (db) =>
          db.collection<StateDocument>(COLLECTION).findOne({ _id: owner }, options),
        );
        return found === null ? undefined : String(parse(found.state, owner.name, place));
      },

      async write() {
        const u = { $setOnInsert: { state: JSON.stringify(id), updatedAt: new Date() } };
        const command = { update: COLLECTION, updates: [{ q: { _id: owner }, u, upsert: true }] };
        await onDatabase("saving to", (db) =>
          execute(db, command).catch((error: unknown) => {
            // Another process has claimed it just now; whoever asks next is told whose it is.
            if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
          }),
        );
      },
    });

    const onDatabase = <T>(doing: string, run: (db: Db) => Promise<T>): Promise<T> =>
      onServer(doing, database, run);

    const onOriginal = <T>(doing: string, run: (db: Db) => Promise<T>): Promise<T> =>
      onServer(doing, config["checkpoint.db"], run);

    /** Without waiting for a turn: there are more connections than saves at once. */
    const onLease = <T>(run: (db: Db) => Promise<T>): Promise<T> =>
      onServer("saving to", database, run, (send) => answered(send(), ctx.abandon));

    /** On the data connections: they outlive the stop of a run, whose last save comes after it. */
    async function onServer<T>(
      doing: string,
      name: string,
      run: (db: Db) => Promise<T>,
      call?: Calls,
    ): Promise<T> {
      const what = `${doing} database ${name}`;
      try {
        opened ??= connect(config["checkpoint.address"], LANES, log, ctx, ADDRESS);
        const { data, inTurn } = await opened;
        const db = data.db(name);
        // Before each try of a change: a process that was cut off may have lost the lease between two of them.
        const before = doing === "reading" || call !== undefined ? undefined : ctx.mayWrite;
        return await withRetry(() => (call ?? inTurn)(() => run(db), before), {
          ...(before !== undefined && { before }),
          policy: { ...SERVER_RETRY, total: ctx.patience },
          passes: isPassing,
          signal: ctx.signal,
          onRetry: retryReporter(ctx, "checkpoint", what),
        });
      } catch (error) {
        throw failed(error, what, name);
      }
    }
  },
});
export default mongodb;
