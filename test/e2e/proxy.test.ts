/** DynamoDB to DynamoDB: two real servers, the source's and the target's. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type DynamoDBServer, startDynamoDB } from "../servers/dynamodb.ts";
import { VALUES } from "../plugins/convert/every-value.ts";
import { expectVerified } from "./equal.ts";
import {
  type Attributes,
  dynamo,
  type Key,
  type Running,
  scenario,
  type Scenario,
  type Settings,
  someItems,
} from "./helpers.ts";
import { expectRefusal, expectStop } from "./refusals.ts";
import { enableStream, itemsByKey, readAll, shardRow, startWriter } from "./writer.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

let target: DynamoDBServer;
beforeAll(async () => {
  target = await startDynamoDB({ own: true });
});
afterAll(() => target.stop());

function to(settings: Settings = {}): Settings {
  return {
    "target.type": "aliyun_dynamo_proxy",
    // as NimoShake has it, without a scheme
    "target.address": new URL(target.endpoint).host,
    "checkpoint.address": "./positions",
    "incr_sync.http_port": -1,
    ...settings,
  };
}

/** A set has no order. */
function sorted(item: Attributes): Attributes {
  const entries = Object.entries(item).map(([name, value]): [string, object] => {
    const [type, inside] = Object.entries(value)[0] as [string, unknown];
    return [name, /^[SNB]S$/.test(type) ? { [type]: (inside as string[]).toSorted() } : value];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function both(s: Scenario, table: string, keys?: string[]) {
  const [from, there] = await Promise.all(
    [s.dynamoEndpoint, target.endpoint].map(async (endpoint) => {
      const items = await itemsByKey(endpoint, table, keys);
      return new Map(
        [...items]
          .map(([key, item]) => [key, JSON.stringify(sorted(item))] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    }),
  );
  return { from: from!, there: there! };
}

/** Waits until both sides are the same. A look at a large table keeps both servers busy: there are pauses between. */
async function expectSame(
  s: Scenario,
  table: string,
  { keys, settings = to() }: { keys?: string[]; settings?: Settings } = {},
): Promise<number> {
  const deadline = Date.now() + 60 * SECOND;
  for (;;) {
    const begun = Date.now();
    const { from, there } = await both(s, table, keys);
    const different = [...new Set([...from.keys(), ...there.keys()])].filter(
      (key) => from.get(key) !== there.get(key),
    );
    if (different.length === 0) {
      await expectVerified(s, from.size, settings, { only: [table] });
      return there.size;
    }
    if (Date.now() > deadline) {
      const shown = different.slice(0, 3).map((key) => `${key}: ${there.get(key)}, not ${from.get(key)}`);
      throw new Error(`${different.length} of ${from.size} items differ:\n${shown.join("\n")}`);
    }
    await sleep(Math.max(200, 3 * (Date.now() - begun)));
  }
}

interface Described {
  CreationDateTime: number;
  TableStatus: string;
  KeySchema: object[];
  AttributeDefinitions: { AttributeName: string }[];
  BillingModeSummary?: object;
  GlobalSecondaryIndexes?: {
    IndexName: string;
    KeySchema: object[];
    Projection: object;
    IndexStatus: string;
  }[];
  LocalSecondaryIndexes?: { IndexName: string; KeySchema: object[]; Projection: object }[];
}

async function described(endpoint: string, TableName: string): Promise<Described> {
  return (await dynamo(endpoint, "DescribeTable", { TableName }))["Table"] as Described;
}

/** What of a table's description is to be the same on both sides. */
function schema({ KeySchema, AttributeDefinitions, ...table }: Described): object {
  const indexes = (of: { IndexName: string; KeySchema: object[]; Projection: object }[] = []): object[] =>
    of
      .map(({ IndexName, KeySchema: keys, Projection }) => ({ IndexName, keys, Projection }))
      .toSorted((a, b) => (a.IndexName < b.IndexName ? -1 : 1));
  return {
    KeySchema,
    definitions: AttributeDefinitions.toSorted((a, b) => (a.AttributeName < b.AttributeName ? -1 : 1)),
    gsi: indexes(table.GlobalSecondaryIndexes),
    lsi: indexes(table.LocalSecondaryIndexes),
  };
}

describe("sync_mode = full", () => {
  test("every value, a table with a GSI and an LSI, odd names: both sides identical", async () => {
    await using s = await scenario();
    // the servers of tests count one level more than the service
    const cases = VALUES.filter(({ name }) => name !== "nested32");
    const every = Object.fromEntries(cases.map(({ name, value }) => [name, value]));
    const values = await s.table("values", {
      items: [
        { pk: { S: "all" }, ...every },
        ...cases.map(({ name, value }, i) => ({ pk: { S: `${i} ${name}` }, value })),
        { pk: { S: "names" }, "a.b": { S: "x" }, $odd: { S: "x" }, _id: { N: "1" } },
      ] as Attributes[],
    });
    const key: Key = ["pk", "sk:N"];
    const indexed = await s.table("indexed", {
      key,
      gsi: { byMail: ["mail", "at:N"], byState: ["state"] },
      lsi: { byTime: ["pk", "at:N"] },
      items: Array.from({ length: 300 }, (_, n) => ({
        pk: { S: `p${n % 7}` },
        sk: { N: String(n) },
        mail: { S: `m${n}` },
        at: { N: String(n / 2) },
        state: { S: n % 2 ? "a" : "b" },
      })),
    });
    const numbers = await s.table("numbers", {
      key: ["n:N"],
      items: ["1", "-0.5", "12345678901234567890123456789012345678"].map((N) => ({ n: { N } })),
    });
    const bytes = await s.table("bytes", {
      key: ["b:B"],
      items: ["AA==", "AAE=", "/w=="].map((B) => ({ b: { B } })),
    });
    const run = await s.cli(to());
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("full sync done!");
    expect(await expectSame(s, values)).toBe(cases.length + 2);
    expect(await expectSame(s, indexed, { keys: ["pk", "sk"] })).toBe(300);
    await expectSame(s, numbers, { keys: ["n"] });
    await expectSame(s, bytes, { keys: ["b"] });
    for (const table of [values, indexed, numbers, bytes]) {
      const made = await described(target.endpoint, table);
      expect(schema(made)).toEqual(schema(await described(s.dynamoEndpoint, table)));
      expect(made.BillingModeSummary).toMatchObject({ BillingMode: "PAY_PER_REQUEST" });
    }
  });

  test("sync_schema_only makes the tables; without full.enable_index.user no GSI and no LSI", async () => {
    await using s = await scenario();
    const table = await s.table("tab", {
      key: ["pk", "sk"],
      gsi: { global: ["a"] },
      lsi: { local: ["pk", "b"] },
      items: [{ pk: { S: "x" }, sk: { S: "y" } }],
    });
    const run = await s.cli(to({ sync_schema_only: true, "full.enable_index.user": false }));
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const made = await described(target.endpoint, table);
    expect(schema(made)).toMatchObject({ gsi: [], lsi: [], definitions: [{}, {}] });
    expect((await itemsByKey(target.endpoint, table)).size).toBe(0);
  });

  test("a table that exists: an error, or it is dropped; rename is refused with the reason", async () => {
    await using s = await scenario();
    const table = await s.table("tab", { items: someItems(10) });
    expect(await s.cli(to())).toMatchObject({ code: 0 });
    expectRefusal(await s.cli(to()), { exit: 2, code: "TARGET_EXISTS", says: [table] });
    await dynamo(target.endpoint, "PutItem", { TableName: table, Item: { pk: { S: "theirs" } } });
    expect(await s.cli(to({ "target.db.exist": "drop" }))).toMatchObject({ code: 0, stderr: "" });
    expect([...(await itemsByKey(target.endpoint, table)).keys()].join()).not.toContain("theirs");
    await expectSame(s, table);
    const renamed = await s.cli(to({ "target.db.exist": "rename" }));
    expectRefusal(renamed, { exit: 2, code: "CONFIG_INVALID", says: ["can't be renamed"] });
  });

  test.each(["", "drop"])("the source as its own target is refused, target.db.exist = %p", async (exist) => {
    await using s = await scenario();
    const table = await s.table("tab", { items: someItems(10) });
    const before = await described(s.dynamoEndpoint, table);
    const run = await s.cli(to({ "target.address": s.dynamoEndpoint, "target.db.exist": exist }));
    expectRefusal(run, { exit: 2, code: "CONFIG_INVALID", says: ["the target is the source", table] });
    expect((await described(s.dynamoEndpoint, table)).CreationDateTime).toBe(before.CreationDateTime);
    expect((await itemsByKey(s.dynamoEndpoint, table)).size).toBe(10);
  });
});

async function end(run: Running): Promise<void> {
  run.kill("SIGTERM");
  expectStop(await run.done, "SIGTERM");
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60 * SECOND;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("never came that far");
    await sleep(50);
  }
}

describe("sync_mode = all", () => {
  test.each([false, true])(
    "10,000 items, a writer, two kill -9, incr_sync_parallel = %p: both sides identical",
    async (parallel) => {
      await using source = await startDynamoDB({ own: true });
      await using s = await scenario(source.endpoint);
      const count = parallel ? 4_000 : 10_000;
      const table = await s.table("tab", { items: someItems(count) });
      const settings = to({
        sync_mode: "all",
        incr_sync_parallel: parallel,
        "full.read.concurrency": 4,
        "qps.full.batch_num": 2000, // for ministack each page costs as much as a look at the whole table
      });
      const conf = s.conf(s.settings(settings));
      const start = (): Running => s.start([`-conf=${conf}`]);
      const there = async (): Promise<number> =>
        dynamo(target.endpoint, "Scan", { TableName: table, Select: "COUNT" }).then(
          ({ Count }) => Count as number,
          () => 0,
        );
      const writer = startWriter(s.dynamoEndpoint, table, 700, 17);
      try {
        const moments: (() => Promise<unknown>)[] = [
          () => until(async () => (await there()) > count / 20),
          () => sleep(3 * SECOND),
        ];
        for (const moment of moments) {
          const run = start();
          await moment();
          run.kill("SIGKILL");
          expect((await run.done).code).toBe(137);
        }
        const run = start();
        await sleep(4 * SECOND);
        await writer.stop();
        await expectSame(s, table, { settings });
        await end(run);
        expect(writer.writes()).toBeGreaterThan(50);
      } finally {
        await writer.stop();
      }
    },
  );

  test("what is removed at the source goes away: items, and attributes of an item", async () => {
    await using s = await scenario();
    const table = await s.table("tab", { items: someItems(5) });
    const run = s.start([`-conf=${s.conf(s.settings(to({ sync_mode: "all" })))}`]);
    await until(async () => (await itemsByKey(target.endpoint, table).catch(() => new Map())).size === 5);
    await dynamo(s.dynamoEndpoint, "UpdateItem", {
      TableName: table,
      Key: { pk: { S: "k1" } },
      UpdateExpression: "REMOVE #t SET #e = :e",
      ExpressionAttributeNames: { "#t": "text", "#e": "empty" },
      ExpressionAttributeValues: { ":e": { S: "" } },
    });
    await dynamo(s.dynamoEndpoint, "DeleteItem", { TableName: table, Key: { pk: { S: "k2" } } });
    expect(await expectSame(s, table, { settings: to({ sync_mode: "all" }) })).toBe(4);
    const items = await itemsByKey(target.endpoint, table);
    expect(items.get('[{"S":"k1"}]')).toEqual({ pk: { S: "k1" }, n: { N: "1" }, empty: { S: "" } });
    await end(run);
  });
});

test("sync_mode = incr makes a missing table, and refuses one with another key", async () => {
  await using s = await scenario();
  const table = await s.table("tab", { items: [] });
  const settings = to({ sync_mode: "incr" });
  const conf = s.conf(s.settings(settings));
  const run = s.start([`-conf=${conf}`]);
  await until(() => existsSync(join(s.folder, "positions", table)));
  await until(async () => (await described(target.endpoint, table).catch(() => undefined)) !== undefined);
  await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: { pk: { S: "new" } } });
  expect(await expectSame(s, table, { settings })).toBe(1);
  await end(run);

  const other = await s.table("other", { items: [] });
  await dynamo(target.endpoint, "CreateTable", {
    TableName: other,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "N" }],
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
  });
  const refused = await s.cli(to({ sync_mode: "incr", id: `${s.id}-2`, "filter.collection.white": other }));
  expectRefusal(refused, { exit: 2, code: "TABLE_UNFIT", says: ["pk (N)", "pk (S)", other] });
});

test("a checkpoint as NimoShake leaves it, in files: goes on without a Scan", async () => {
  await using s = await scenario();
  const table = await s.table("tab", { items: [] });
  const stream = await enableStream(s.dynamoEndpoint, table);
  const items = someItems(10);
  for (const Item of items) await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item });
  const row = shardRow(await readAll(s.dynamoEndpoint, stream), 4);
  const folder = join(s.folder, `${s.id}-checkpoint`);
  mkdirSync(folder);
  writeFileSync(join(folder, table), `${JSON.stringify(row)}\n`);
  writeFileSync(
    join(folder, "status_table"),
    JSON.stringify({ Key: "status_key", StatusValue: "incr_sync" }),
  );
  const settings = to({ sync_mode: "all", "checkpoint.address": "" });
  const missing = await s.cli(settings);
  expectRefusal(missing, { exit: 2, code: "CHECKPOINT_MISMATCH", says: ["it isn't there", table] });

  await dynamo(target.endpoint, "CreateTable", {
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
  });
  for (const Item of items.slice(0, 5)) await dynamo(target.endpoint, "PutItem", { TableName: table, Item });
  const run = s.start([`-conf=${s.conf(s.settings(settings))}`]);
  expect(await expectSame(s, table, { settings })).toBe(10);
  await end(run);
  const { stdout } = await run.done;
  expect(stdout).toContain("going on from the checkpoint of NimoShake");
  expect(stdout).not.toContain("start syncing table");
});
