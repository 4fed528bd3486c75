/** Writing to tables of a service with DynamoDB's protocol. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { MigrationError } from "../../core/errors.ts";
import { inParallel } from "../../core/flow/parallel.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import type { Table } from "../../core/types.ts";
import { targetEndpoint } from "../_dynamodb/access.ts";
import { createTargetClient } from "../_dynamodb/client.ts";
import { createPinger } from "../_dynamodb/ping.ts";
import { createPost, type Post } from "../_dynamodb/post.ts";
import { tableIdentity } from "../_dynamodb/sdk-values.ts";
import {
  checkTableNames,
  refuseOtherKey,
  refuseProtected,
  refuseSource,
} from "./aliyun-dynamo-proxy/check.ts";
import { inspectTarget } from "./aliyun-dynamo-proxy/inspect.ts";
import { encodedWrites, recordWrites } from "./aliyun-dynamo-proxy/request.ts";
import { createIndexes } from "./aliyun-dynamo-proxy/indexes.ts";
import { createScans } from "./aliyun-dynamo-proxy/scan.ts";
import { createStored } from "./aliyun-dynamo-proxy/stored.ts";
import { createTables } from "./aliyun-dynamo-proxy/tables.ts";
import { LATEST } from "./aliyun-dynamo-proxy/late.ts";
import { createWriter } from "./aliyun-dynamo-proxy/write.ts";

/** DescribeTable calls at once. */
const DESCRIBES = 8;

/** `target.type = aliyun_dynamo_proxy`: whatever speaks DynamoDB's protocol, table by table. */
const proxy: Plugin = definePlugin({
  name: "target/aliyun_dynamo_proxy",
  setup(ctx) {
    const { config, log } = ctx;
    const endpoint = targetEndpoint(config);
    const place = `the tables at ${new URL(endpoint).host}`;
    let client: DynamoDBClient | undefined;
    let post: Post | undefined;
    const connected = (): DynamoDBClient =>
      (client ??= createTargetClient(ctx, ["ScanCommand", "BatchGetItemCommand"]));
    const posted = (): Post =>
      (post ??= createPost(connected(), {
        endpoint,
        log,
        timeout: writeTimeout(config["source.session.timeout"]),
      }));
    const tables = createTables(ctx, connected);
    const scans = createScans(ctx, connected);
    const indexes = createIndexes(ctx, tables);
    const write = createWriter(ctx, posted, indexes);
    const pinger = createPinger(ctx, "target", createTargetClient);
    /** One of the tables that are written. */
    let known: string | undefined;

    async function create(table: Table): Promise<void> {
      const existed = await tables.create(table);
      if (!existed || (await scans.isEmpty(table, ctx.signal))) return;
      throw new MigrationError("TARGET_EXISTS", `the target has ${table.targetName} already: ${place}`, {
        hint: "another program has just made it: set target.db.exist to drop, or see to it",
      });
    }

    ctx.provide("target", {
      place,
      // A table has no two items of one key.
      guardsKeys: true,

      async check(all) {
        checkTableNames(all);
        known = all[0]?.targetName;
        await inParallel(all, DESCRIBES, async (table) => {
          const found = await tables.look(table);
          if (found === undefined) return;
          refuseSource(table, found, all, place);
          if (config.sync_mode === "incr") refuseOtherKey(table, found);
        });
      },

      async find(table) {
        const found = await tables.find(table);
        return found && (tableIdentity(found) ?? "there");
      },

      async checkRoom(all) {
        await inParallel(all, DESCRIBES, async (table) =>
          refuseProtected(table, await tables.find(table), place),
        );
      },

      async makeRoom(table) {
        log.info(`drop existing table ${table.targetName}`);
        await tables.remove(table);
      },

      create,

      // A put replaces, so that nothing doubles.
      async resume() {},

      async write(batch, signal) {
        const result = await write(batch.unit.table, recordWrites(batch), signal);
        return { ...result, inserted: batch.records.length };
      },

      async writeEncoded(batch, signal) {
        const result = await write(batch.unit.table, encodedWrites(batch), signal);
        return { ...result, inserted: batch.ends.length };
      },

      async apply(batch, signal) {
        const result = await write(batch.unit.table, recordWrites(batch), signal);
        for (const { op, event } of batch.records) {
          if (op === "delete") result.deleted++;
          else if (event === "INSERT") result.inserted++;
          else result.replaced++;
        }
        return result;
      },

      // The table was made with its indexes; only those are missing that something refused.
      async index(table) {
        if (config.sync_mode !== "incr" && config["full.enable_index.user"]) await indexes.complete(table);
        let found = await tables.find(table);
        // With sync_mode = incr nobody has made it; MongoDB's collections come by themselves.
        if (found === undefined && config.sync_mode === "incr") {
          await create(table);
          found = await tables.find(table);
        }
        const { GlobalSecondaryIndexes = [], LocalSecondaryIndexes = [] } = found ?? {};
        return GlobalSecondaryIndexes.length + LocalSecondaryIndexes.length;
      },

      count: (table, signal) => scans.count(table, signal),
      keys: (table, signal) => scans.keys(table, signal),
      stored: createStored(ctx, connected, { scans, tables }),
      inspect: (all, signal) => inspectTarget({ config, look: tables.look, endpoint }, all, signal),

      async ping(signal) {
        if (known !== undefined) await pinger.ping(known, signal);
      },

      close() {
        pinger.close();
        client?.destroy();
        client = post = undefined;
      },
    });
  },
});
export default proxy;

/**
 * For one request, in ms; 0: for ever. A write that is sent again may still be done by a server that is only slow, after
 * a later one of its key.
 */
const writeTimeout = (set: number): number => (set === 0 ? 0 : Math.max(set, LATEST));
