/**
 * The library and a plugin under Deno (and Node), against the servers at `NIMO_TEST_MONGODB` and `NIMO_TEST_DYNAMODB`:
 * `bun test/with-servers.ts deno test -A test/deno.smoke.ts`.
 */
import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { MongoClient } from "mongodb";
import { definePlugin, migrate, MigrationError } from "../core/index.ts";

const endpoint = env["NIMO_TEST_DYNAMODB"]!;
const mongoUri = env["NIMO_TEST_MONGODB"]!;
const table = `smoke-${Date.now()}`;
const id = table;
const credentials = { accessKeyId: "placeholder", secretAccessKey: "placeholder" };
const config = {
  id,
  sync_mode: "full",
  "source.endpoint_url": endpoint,
  "filter.collection.white": table,
  "target.address": mongoUri,
};

const even = definePlugin({
  name: "even",
  setup(ctx) {
    ctx.hook("fetch:after", (e) => e.keep((item) => Number(item["n"]!.N) % 2 === 0));
  },
});

test("the library migrates, with a plugin and hooks", async () => {
  const source = new DynamoDBClient({ endpoint, region: "us-east-1", credentials });
  const target = new MongoClient(mongoUri);
  try {
    await source.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      }),
    );
    const items = Array.from({ length: 20 }, (_, n) => ({ pk: { S: `k${n}` }, n: { N: String(n) } }));
    const puts = items.map((Item) => ({ PutRequest: { Item } }));
    await source.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
    const seen: string[] = [];
    const { read, written, filtered } = await migrate({
      config,
      plugins: [even],
      hooks: { "table:after": (e) => void seen.push(e.table.name) },
    });
    assert.deepEqual(
      { read, written, filtered, seen },
      { read: 20, written: 10, filtered: 10, seen: [table] },
    );
    const documents = await target
      .db(id)
      .collection(table)
      .find({}, { projection: { _id: 0 } })
      .sort({ n: 1 })
      .toArray();
    assert.deepEqual(documents[3], { pk: "k6", n: 6 });
    assert.equal(documents.length, 10);
  } finally {
    await source.send(new DeleteTableCommand({ TableName: table }));
    source.destroy();
    await target.db(id).dropDatabase();
    await target.db(`${id}-checkpoint-state`).dropDatabase();
    await target.close();
  }
});

test("the library's errors have a code and a hint", async () => {
  await assert.rejects(migrate({ config: { ...config, "target.address": "nowhere" } }), (error) => {
    assert(error instanceof MigrationError);
    assert.equal(error.code, "CONFIG_INVALID");
    assert.match(error.message, /target\.address/);
    return true;
  });
});
