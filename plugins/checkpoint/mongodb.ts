/** The checkpoint in MongoDB. */
import type { Db } from "mongodb";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { leaseLost } from "../../core/plugin/lease-lost.ts";
import { SERVER_RETRY, withRetry } from "../../core/flow/retry.ts";
import type { Holder, Kept } from "../../core/plugin/roles.ts";
import { valuesOf } from "../../core/flow/parallel.ts";
import { answered, type Calls, connect, ping } from "../_mongodb/client.ts";
import { isPassing } from "../_mongodb/errors.ts";
import { lazily } from "../_mongodb/lazy.ts";
import { outlast } from "../_mongodb/outlast.ts";
import { retryReporter } from "../_mongodb/retry-reporter.ts";
import { createOwnStates } from "./mongodb/own-states.ts";
import { joined } from "./mongodb/joined.ts";
import { claimLease, type LeasePlace, findLease, releaseLease, renewLease } from "./mongodb/lease.ts";
import { allParts, execute, findOthers, listNames, parse, upsert } from "./mongodb/states.ts";
import { addressKey, failed } from "./mongodb/failure.ts";
import { inspectCheckpoint } from "./mongodb/inspect.ts";
import { collectionProblems, refuseTables } from "./_check-tables.ts";
import { inFiles, inTarget } from "./_elsewhere.ts";
import { originalName, originalsAmong, STATUS_TABLE } from "./_nimoshake.ts";
import { collectionsIn, hasRest, removeRest } from "./mongodb/left.ts";
import {
  dropOriginal,
  loadOriginal,
  namesWithoutOthers,
  originalCollection,
  originalDelete,
  originalUpserts,
  refuseOthersIn,
} from "./mongodb/nimoshake-collections.ts";
import { databaseOwnership } from "./mongodb/owner.ts";
import { createQueue, type States, statesOf } from "./_queue.ts";

const COLLECTION = "states";
/** Saves at once; more of them wait. */
const LANES = 8;

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
    const lazy = lazily(() => connect(config["checkpoint.address"], LANES, log, ctx, addressKey(config)));
    const { connected } = lazy;

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
      for (const updates of originalUpserts(name, states)) {
        await onOriginal("saving to", (db) => upsert(db, originalCollection(name), updates));
      }
    }

    const own = createOwnStates({ id, collection: COLLECTION, holder: () => holder, onDatabase });

    const queue = createQueue(async (name, states) => {
      if (originalName(name)) return saveOriginal(name, states);
      await own.save(name, states);
    });

    const list = (): Promise<Kept[]> =>
      onDatabase("reading", (db) => listNames(db.collection(COLLECTION), id));

    ctx.provide("checkpoint", {
      place,

      connect: async () => void (await connected()),

      async check(tables) {
        const follows = config.sync_mode !== "full";
        const problems = follows ? collectionProblems(config["checkpoint.db"], tables) : [];
        refuseTables(tables, `database ${config["checkpoint.db"]}`, problems);
      },

      checkPlaces: (tables) => onOriginal("reading", (db) => refuseOthersIn(db, tables)),

      load: (name) =>
        queue.run(name, async () => {
          if (originalName(name)) {
            // Another migration's isn't looked at, whatever the read says.
            const reading = onOriginal("reading", (db) => loadOriginal(db, name));
            const [, found] = valuesOf(await Promise.allSettled([ownership.check(), reading]));
            return found;
          }
          const found = await own.load(name);
          return new Map(found.map(({ _id, state }) => [_id.part, parse(state, name, place)]));
        }),

      list,

      save: (name, parts) => queue.save(name, parts),

      saveInOrder(given) {
        const states = [...given].map(([name, parts]) => [name, statesOf(parts)] as const);
        return queue.run([...given.keys()], () => own.saveInOrder(states));
      },

      clear: (name) =>
        queue.run(name, async () => {
          if (!originalName(name)) return own.forget(allParts(id, name));
          await checkLease();
          await ownership.check();
          return onOriginal("clearing", (db) => dropOriginal(db, name));
        }),

      remove: (name, parts) =>
        queue.run(name, async () => {
          if (parts.length === 0) return;
          if (!originalName(name)) return own.forget({ $in: parts.map((part) => ({ id, name, part })) });
          await checkLease();
          await ownership.check();
          const deletes = [originalDelete(name, parts)];
          await onOriginal("clearing", (db) => execute(db, { delete: originalCollection(name), deletes }));
        }),

      elsewhere: async (tables) =>
        (await inFiles(ctx, tables)) ?? (await inTarget(ctx, tables, config["checkpoint.address"])),

      async left() {
        const own = (await list()).map(({ name }) => name);
        const owns = await ownership.isOurs();
        const there = owns ? await onOriginal("reading", collectionsIn) : [];
        const { names, isShared } = originalsAmong(there, own);
        const rest = await onDatabase("reading", (db) => hasRest(db, leasePlace, owns));
        const shared = `${STATUS_TABLE} in database ${config["checkpoint.db"]}`;
        const originals = await onOriginal("reading", (db) => namesWithoutOthers(db, names));
        return { names: [...originals, ...own], rest, ...(isShared && { shared }) };
      },

      others: (part, names) =>
        onDatabase("reading", (db) => findOthers(db.collection(COLLECTION), id, part, names)),

      vacate: () =>
        onDatabase("clearing", (db) =>
          removeRest(db, leasePlace, holder, config["checkpoint.db"] === `${id}-checkpoint`),
        ),

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

      ping: (signal) => ping(lazy.opened, signal),
      outlast: async (dead) => outlast(await connected(), dead, ctx),
      inspect: (tables) =>
        onDatabase("reading", ({ client }) => inspectCheckpoint(client, config, tables, COLLECTION)),

      close: lazy.close,
    });

    function onDatabase<T>(doing: string, run: (db: Db) => Promise<T>): Promise<T> {
      return onServer(doing, database, run);
    }

    const ownership = databaseOwnership({
      id,
      original: config["checkpoint.db"],
      database,
      collection: COLLECTION,
      onDatabase,
    });

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
        const { data, inTurn, surely } = await connected();
        // Before each try of a change: a process that was cut off may have lost the lease between two of them.
        const before = doing === "reading" || call !== undefined ? undefined : ctx.mayWrite;
        const again: typeof surely = before === undefined ? withRetry : surely;
        return await again(
          (_, sending) => (call ?? inTurn)(() => (sending?.(), run(data.db(name))), before),
          {
            ...(before !== undefined && { before }),
            policy: { ...SERVER_RETRY, total: ctx.patience },
            passes: isPassing,
            signal: ctx.signal,
            onRetry: retryReporter(ctx, "checkpoint", what),
          },
        );
      } catch (error) {
        throw failed(error, what, name, config);
      }
    }
  },
});
export default mongodb;
