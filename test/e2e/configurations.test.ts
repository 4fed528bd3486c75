/** The example configurations on real servers: as they stand, but for the addresses, the name and the ports. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { startDynamoDB } from "../servers/dynamodb.ts";
import { startMongos } from "../stand-in/mongos.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { itemsByKey } from "./writer.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const ITEMS = 40;
const EXAMPLES = resolve(import.meta.dir, "../../examples/configurations");

/** What follows a command: the example, and what is otherwise here. */
function argumentsOf(s: Scenario, name: string, table: string, more: Settings = {}): string[] {
  const settings: Settings = {
    id: s.id,
    // as the test's other requests have it
    "source.region": "",
    "source.endpoint_url": s.dynamoEndpoint,
    "filter.collection.white": table,
    "full_sync.http_port": -1,
    "incr_sync.http_port": -1,
    ...more,
  };
  const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  return ["-c", join(EXAMPLES, name), ...set];
}

/** Copies, follows a change, and switches over with a comparison. */
async function moves(s: Scenario, table: string, args: string[]): Promise<void> {
  const run = s.start(["run", ...args]);
  const follows = eventually(async () => {
    const { stdout } = await s.run(["status", ...args, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ running: true, phase: "incr" });
  });
  const tooEarly = run.done.then(({ stderr }) => {
    throw new Error(`the run has ended: ${stderr}`);
  });
  await Promise.race([follows, tooEarly]);
  await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: someItems(ITEMS + 1).at(-1)! });
  const switched = await s.run(["switchover", ...args, "--verify"]);
  expect(switched).toMatchObject({ code: 0, stderr: "" });
  expect(await run.done).toMatchObject({ code: 0, stderr: "" });
}

test.each(["self-run.conf", "atlas.conf"])("%s", async (name) => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  await moves(s, table, argumentsOf(s, name, table, { "target.address": s.mongoUri }));
  expect(await s.db.collection(table).countDocuments({})).toBe(ITEMS + 1);
});

test("apsaradb.conf, before a stand-in for its mongos", async () => {
  await using s = await scenario();
  await using mongos = await startMongos(s.mongoUri);
  const table = await s.table("t", { items: someItems(ITEMS) });
  await moves(s, table, argumentsOf(s, "apsaradb.conf", table, { "target.address": mongos.uri }));
  expect(await s.db.collection(table).countDocuments({})).toBe(ITEMS + 1);
  expect(mongos.sent("shardCollection")).toHaveLength(1);
});

test.each(["dynamodb-to-dynamodb.conf", "extenddb.conf", "alternator.conf"])("%s", async (name) => {
  await using s = await scenario();
  const target = await startDynamoDB({ own: true });
  try {
    const table = await s.table("t", { gsi: { byN: ["n:N"] }, items: someItems(ITEMS) });
    const address = { "target.address": target.endpoint };
    await moves(s, table, argumentsOf(s, name, table, address));
    const [from, there] = await Promise.all(
      [s.dynamoEndpoint, target.endpoint].map((endpoint) => itemsByKey(endpoint, table)),
    );
    expect(there).toEqual(from!);
    expect(there!.size).toBe(ITEMS + 1);
  } finally {
    await target.stop();
  }
});

test("files-for-mongorestore.conf", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const args = argumentsOf(s, "files-for-mongorestore.conf", table);
  expect(await s.run(["run", ...args])).toMatchObject({ code: 0, stderr: "" });
  for (const kind of ["bson", "metadata.json"])
    expect(existsSync(join(s.folder, "dump", s.id, `${table}.${kind}`))).toBe(true);
  expect(await s.run(["verify", ...args])).toMatchObject({ code: 0, stderr: "" });
});
