/** Every example of a plugin, and the library's, on real servers. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Document } from "mongodb";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { startDynamoDB } from "../servers/dynamodb.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const EXAMPLES = resolve(import.meta.dir, "../../examples");
const example = (name: string): string => join(EXAMPLES, "plugins", name);

const item = (pk: string, status: string, sk = 1) => ({
  pk: { S: pk },
  sk: { N: String(sk) },
  status: { S: status },
  email: { S: `${pk}@example.com` },
});

/** Runs with an example in both phases, as long as `work` takes. */
async function following(s: Scenario, settings: Settings, work: () => Promise<void>): Promise<void> {
  const all = { sync_mode: "all", "incr_sync.http_port": -1, ...settings };
  const run = s.start([`-conf=${s.conf(s.settings(all))}`]);
  let code: number | undefined;
  try {
    await Promise.race([
      work(),
      run.done.then(({ stderr }) => {
        throw new Error(`the run has ended: ${stderr}`);
      }),
    ]);
  } finally {
    run.kill("SIGTERM");
    ({ code } = await run.done);
  }
  expect(code).toBe(143);
}

const put = (s: Scenario, TableName: string, Item: object): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "PutItem", { TableName, Item });
const remove = (s: Scenario, TableName: string, Key: object): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "DeleteItem", { TableName, Key });

/** A collection's documents without `_id`, by key. */
const found = (s: Scenario, collection: string): Promise<Document[]> =>
  s.db
    .collection(collection)
    .find({}, { projection: { _id: 0 } })
    .sort({ pk: 1 })
    .toArray();

test("only.ts: a filter", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: [item("1", "paid"), item("2", "open")] });
  const settings = { plugins: example("only.ts"), "plugin.only.status": "paid" };
  const keys = async (): Promise<unknown[]> => (await found(s, table)).map(({ pk }) => pk as unknown);
  await following(s, settings, async () => {
    await eventually(async () => expect(await keys()).toEqual(["1"]));
    await put(s, table, item("2", "paid"));
    await put(s, table, item("1", "open"));
    await eventually(async () => expect(await keys()).toEqual(["2"]));
  });
});

test("prefix.ts: a table and its sort key under other names; updates and deletes hit", async () => {
  await using s = await scenario();
  const table = await s.table("t", { key: ["pk", "sk:N"], items: [item("1", "a"), item("2", "a")] });
  const target = `shop_${table}`;
  const settings = {
    plugins: example("prefix.ts"),
    "plugin.prefix.tables": "shop_",
    "plugin.prefix.sort_key": "created",
  };
  const shown = async (): Promise<unknown[]> =>
    (await found(s, target)).map(({ pk, created, status, sk }) => [pk, created, status, sk] as unknown);
  await following(s, settings, async () => {
    await eventually(async () =>
      expect(await shown()).toEqual([
        ["1", 1, "a", undefined],
        ["2", 1, "a", undefined],
      ]),
    );
    await put(s, table, item("2", "b"));
    await put(s, table, item("3", "b", 7));
    await remove(s, table, { pk: { S: "1" }, sk: { N: "1" } });
    await eventually(async () =>
      expect(await shown()).toEqual([
        ["2", 1, "b", undefined],
        ["3", 7, "b", undefined],
      ]),
    );
    await eventually(async () =>
      expect(Object.keys(await s.indexes(target))).toContain("pk_1_created_1 unique"),
    );
  });
});

test("hide.ts: a mask", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: [item("1", "a")] });
  const settings = {
    plugins: example("hide.ts"),
    "plugin.hide.attribute": "email",
    "plugin.hide.secret": "pepper",
  };
  await following(s, settings, async () => {
    const emails = async (): Promise<unknown[]> =>
      (await found(s, table)).map(({ email }) => email as unknown);
    await eventually(async () => expect(await emails()).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]));
    await put(s, table, { ...item("2", "a"), email: { S: "1@example.com" } });
    await eventually(async () => expect(await emails()).toHaveLength(2));
    const [one, two] = await emails();
    expect(two).toEqual(one);
  });
  const run = (more: Settings) =>
    s.run([`-conf=${s.conf(s.settings({ ...settings, id: `${s.id}x`, ...more }))}`]);
  for (const [more, says] of [
    [{ "plugin.hide.secret": "" }, "plugin.hide.secret is empty"],
    [{ "plugin.hide.attribute": "pk" }, "pk is a key"],
  ] as const) {
    const outcome = await run(more);
    expect(outcome.code).not.toBe(0);
    expect(outcome.stderr).toContain(says);
  }
  expect(await s.client.db(`${s.id}x`).listCollections().toArray()).toEqual([]);
});

test("ndjson.ts: a target of one's own", async () => {
  await using s = await scenario();
  const items = [item("1", "paid"), item("2", "open")];
  const table = await s.table("t", { items });
  const conf = s.conf(
    s.settings({
      "target.type": "plugin",
      "target.address": "",
      "checkpoint.address": join(s.folder, "checkpoint"),
      plugins: example("ndjson.ts"),
      "plugin.ndjson.folder": join(s.folder, "out"),
    }),
  );
  expect(await s.run([`-conf=${conf}`])).toMatchObject({ code: 0, stderr: "" });
  const text = readFileSync(join(s.folder, "out", `${table}.ndjson`), "utf8");
  const lines = text.trim().split("\n").toSorted();
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    { pk: "1", sk: 1, status: "paid", email: "1@example.com" },
    { pk: "2", sk: 1, status: "open", email: "2@example.com" },
  ]);
  expect(await s.collections()).toEqual([]);
  // What is there already is not written over, and changes can't be applied.
  expectRefusal(await s.run([`-conf=${conf}`]), { exit: 2, code: "TARGET_EXISTS" });
  const all = await s.run([`-conf=${conf}`, "--set", "sync_mode=all", "--fresh"]);
  expectRefusal(all, { exit: 2, code: "CONFIG_INVALID", says: ["changes can't be applied there"] });
});

test("json-checkpoint.ts: a checkpoint of one's own; a killed run goes on from it", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(2000) });
  const file = join(s.folder, "all.json");
  const settings = {
    plugins: example("json-checkpoint.ts"),
    "plugin.json-checkpoint.file": file,
    "qps.full": 20,
    "qps.full.batch_num": 20,
  };
  const run = s.start([`-conf=${s.conf(s.settings(settings))}`]);
  await eventually(() => expect(readFileSync(file, "utf8")).toContain('"position"'));
  run.kill("SIGKILL");
  await run.done;
  const again = await s.run([`-conf=${s.conf(s.settings({ ...settings, "qps.full": 1000 }))}`]);
  expect(again).toMatchObject({ code: 0 });
  expect(again.stdout).toContain(`going on from the checkpoint: 0 of 1 tables done, 1 begun (file ${file})`);
  expect(await s.db.collection(table).countDocuments({})).toBe(2000);
});

test("library.ts", async () => {
  // it copies whatever tables there are
  await using source = await startDynamoDB({ own: true });
  await using s = await scenario(source.endpoint);
  await s.table("t", { items: [item("1", "a"), { ...item("2", "a"), deleted: { BOOL: true } } as never] });
  const { dynamoEndpoint, mongoUri } = s;
  const run = Bun.spawn([process.execPath, join(EXAMPLES, "library.ts"), dynamoEndpoint, mongoUri], {
    cwd: s.folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, problems] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
  ]);
  await s.client.db("library-example").dropDatabase();
  await s.client.db("library-example-checkpoint-state").dropDatabase();
  expect(problems).toBe("");
  expect(await run.exited).toBe(0);
  expect(out).toMatch(/\d+ documents of \d+ tables in \d+ ms\n$/);
  expect(out).toContain("1 left out");
});
