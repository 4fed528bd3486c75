/** `clean` after runs on real servers: what is listed, what goes, and what stays. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dynamo, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { enableStream } from "./writer.ts";

setDefaultTimeout(180_000);

/** Runs until changes are followed, and stops. */
async function follow(s: Scenario, settings: Settings): Promise<void> {
  const stop = new AbortController();
  const run = s.migrate(settings, {
    signal: stop.signal,
    onFullDone: () => void stop.abort(new Error("stop")),
  });
  await expect(run).rejects.toThrow("stop");
}

async function hasStream(s: Scenario, TableName: string): Promise<boolean> {
  const { Table } = await dynamo(s.dynamoEndpoint, "DescribeTable", { TableName });
  return (
    (Table as { StreamSpecification?: { StreamEnabled?: boolean } }).StreamSpecification?.StreamEnabled ===
    true
  );
}

test("a followed migration: the streams it has enabled, its checkpoint and its files, and nothing else", async () => {
  await using s = await scenario();
  const ours = await s.table("ours", { items: someItems(3) });
  const theirs = await s.table("theirs", { items: someItems(2) });
  await enableStream(s.dynamoEndpoint, theirs);
  await s.db.collection(ours).insertOne({ old: true });
  const settings = { sync_mode: "all", "incr_sync.http_port": -1, "target.db.exist": "rename" };
  await follow(s, settings);
  const conf = s.conf(s.settings(settings));
  const states = s.client.db(`${s.id}-checkpoint-state`).collection("states");
  const other = { _id: { id: "another", name: "run", part: "run" }, state: "{}" };
  await states.insertOne(other as never);
  for (const name of ["-diff.jsonl", "-skipped.jsonl", "-report.json", "-else"])
    writeFileSync(join(s.folder, `${s.id}${name}`), "{}\n");
  mkdirSync(join(s.folder, `${s.id}-verify`, "t"), { recursive: true });

  const listed = await s.run(["clean", "-c", conf]);
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout).toContain(`source      the stream of table ${ours}, enabled by this migration: `);
  expect(listed.stdout).not.toContain(theirs);
  expect(listed.stdout).toMatch(/what was there before, renamed: ours\..*; it stays/);
  expect(listed.stdout).toContain("the migration isn't over, changes are followed");
  expect(listed.stdout).toEndWith("nothing is removed: --yes removes it\n");
  expect(await states.countDocuments({ "_id.id": s.id })).toBeGreaterThan(3);

  const cleaned = await s.run(["clean", "-c", conf, "--yes"]);
  expect(cleaned).toMatchObject({ code: 0, stderr: "" });
  expect(cleaned.stdout).toContain(`removed the stream of table ${ours}`);
  expect(cleaned.stdout).toEndWith("1 stays, as the list says\n");
  expect([await hasStream(s, ours), await hasStream(s, theirs)]).toEqual([false, true]);
  expect(await s.db.collection(ours).countDocuments({})).toBe(3);
  expect(await s.client.db(`${s.id}-checkpoint`).listCollections().toArray()).toEqual([]);
  expect(await states.find({}).toArray()).toEqual([other as never]);
  expect(readdirSync(s.folder).filter((name) => name.startsWith(s.id))).toEqual([`${s.id}-else`]);

  const renamed = await s.run(["clean", "-c", conf, "--yes", "--renamed"]);
  expect(renamed.stdout).toContain(`removed what was there before, renamed: ${ours}.2`);
  expect(await s.collections()).toEqual([ours, theirs].sort());
  await s.client.db(`${s.id}-checkpoint-state`).dropDatabase();
});

test("a finished one with its checkpoint in files: nothing is over-removed, and a second time there is nothing", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(3) });
  const conf = s.conf(s.settings({ "checkpoint.type": "file" }));
  expect(await s.run(["run", "-c", conf])).toMatchObject({ code: 0 });
  const states = join(s.folder, "checkpoint-state");
  expect(existsSync(states)).toBe(true);
  const cleaned = await s.run(["clean", "-c", conf, "--yes"]);
  expect(cleaned).toMatchObject({ code: 0, stderr: "" });
  expect(cleaned.stdout).not.toContain("isn't over");
  expect(cleaned.stdout).toEndWith("all of it is removed\n");
  expect(existsSync(states)).toBe(false);
  expect(await s.db.collection(table).countDocuments({})).toBe(3);
  const again = await s.run(["clean", "-c", conf, "--yes"]);
  expect(again).toMatchObject({
    code: 0,
    stdout: `there is nothing left of the migration ${s.id} beside the copy\n`,
    stderr: "",
  });
});
