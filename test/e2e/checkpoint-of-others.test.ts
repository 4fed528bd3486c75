/** A place for positions that somebody else uses: a start is refused before anything is changed there. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scenario, someItems } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const settings = { sync_mode: "all", "incr_sync.http_port": -1 };
const refusal = { exit: 2, code: "CHECKPOINT_MISMATCH" };

test("a database whose collections are called like tables", async () => {
  await using s = await scenario();
  const t = await s.table("t", { items: someItems(3) });
  const app = s.client.db(`${s.id}-app`);
  try {
    await app.collection(t).insertMany([{ pk: "precious" }, { pk: "other" }]);
    const args = ["-c", s.conf(s.settings({ ...settings, "checkpoint.db": `${s.id}-app` }))];
    const says = [`database ${s.id}-app, collection ${t}`];
    expectRefusal(await s.run(["run", ...args]), { ...refusal, says });
    expectRefusal(await s.run(["run", ...args, "--fresh"]), { ...refusal, says });
    const check = await s.run(["check", ...args]);
    expect([check.code, check.stdout.includes("[CHECKPOINT_MISMATCH]")]).toEqual([2, true]);
    expect((await s.run(["clean", ...args, "--yes"])).code).toBe(0);
    expect(await app.collection(t).countDocuments()).toBe(2);
    expect(await s.collections()).toEqual([]);
  } finally {
    await app.dropDatabase();
    await s.client.db(`${s.id}-app-state`).dropDatabase();
  }
});

test("a folder whose files are called like tables", async () => {
  await using s = await scenario();
  const t = await s.table("t", { items: someItems(3) });
  const folder = join(s.folder, "documents");
  mkdirSync(folder);
  writeFileSync(join(folder, t), "precious\n");
  const conf = s.conf(s.settings({ ...settings, "checkpoint.type": "file", "checkpoint.address": folder }));
  for (const more of [[], ["--fresh"]])
    expectRefusal(await s.run(["run", "-c", conf, ...more]), { ...refusal, says: [join(folder, t)] });
  expect(readFileSync(join(folder, t), "utf8")).toBe("precious\n");
});
