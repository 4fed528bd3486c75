/** `verify`: what is equal is said to be, what was tampered with is found, key by key, and nothing else. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diffOf, faultsOf } from "./diff-file.ts";
import { type Outcome, scenario, type Scenario, someItems } from "./helpers.ts";
import { expectedFaults, rich, tamper, TAMPERING } from "./tampering.ts";

setDefaultTimeout(180_000);

function verify(
  s: Scenario,
  args: string[] = [],
  changes: Record<string, string | number> = {},
): Promise<Outcome> {
  const settle = args.includes("--settle") ? [] : ["--settle", "100ms"];
  return s.run(["verify", "-c", s.conf(s.settings(changes)), ...settle, ...args]);
}

describe("a finished copy", () => {
  test("is equal; each kind of tampering is found, and nothing else", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: Array.from({ length: 100 }, (_, n) => rich(n)) });
    const plain = await s.table("plain", { key: ["pk", "sk:N"], items: [] });
    expect(await s.cli()).toMatchObject({ code: 0 });
    const equal = await verify(s, ["--json"]);
    expect(equal).toMatchObject({ code: 0, stderr: expect.stringContaining("") });
    expect(JSON.parse(equal.stdout)).toMatchObject({
      isEqual: true,
      compared: 100,
      equal: 100,
      different: 0,
      tables: [{ table }, { table: plain, compared: 0 }],
    });
    expect(diffOf(s)).toEqual([]);

    await tamper(s.db, table, "change");
    expect(TAMPERING.change).toHaveLength(15);
    const found = await verify(s);
    expect(found).toMatchObject({ code: 3, stderr: "" });
    expect(faultsOf(s)).toEqual(expectedFaults("change"));
    expect(found.stdout).toContain("source and target differ");
    // Nothing is left of its work, and no key that is equal is named.
    expect(readdirSync(s.folder).filter((name) => name.endsWith("-verify"))).toEqual([]);
    expect(found.stdout).not.toContain("k99");

    const kept = await verify(s, ["--repair=no-delete", "--json"]);
    expect(kept.code).toBe(3);
    expect(JSON.parse(kept.stdout)).toMatchObject({ different: 0, missing: 0, extra: 2, repaired: 16 });
    const repaired = await verify(s, ["--repair"]);
    expect(repaired).toMatchObject({ code: 0, stderr: "" });
    expect(diffOf(s).map(({ kind, repair }) => [kind, repair])).toEqual([
      ["extra", "removed"],
      ["extra", "removed"],
    ]);
    const after = await verify(s, ["--json"]);
    expect(JSON.parse(after.stdout)).toMatchObject({ isEqual: true, equal: 100, extra: 0 });
    expect(await s.db.collection(table).countDocuments({})).toBe(100);
  });

  test("keys, samples and counts are compared by themselves", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(300) });
    expect(await s.cli()).toMatchObject({ code: 0 });
    const keys = await s.db.collection(table).find().limit(3).toArray();
    await s.db.collection(table).updateOne({ pk: keys[0]!["pk"] }, { $set: { more: 1 } });
    const file = join(s.folder, "keys.jsonl");
    writeFileSync(file, keys.map(({ pk }) => JSON.stringify({ pk: { S: pk as string } })).join("\n"));
    const some = await verify(s, ["--keys", file, "--json"]);
    expect(some.code).toBe(3);
    expect(JSON.parse(some.stdout)).toMatchObject({ compared: 3, equal: 2, different: 1 });
    const again = await verify(s, ["--keys", join(s.folder, `${s.id}-diff.jsonl`), "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ compared: 1, different: 1 });
    const sample = await verify(s, ["--sample", "50", "--json"]);
    expect(JSON.parse(sample.stdout)).toMatchObject({ compared: 50 });
    expect(JSON.parse((await verify(s, ["--sample", "50", "--json"])).stdout)).toEqual(
      JSON.parse(sample.stdout),
    );
    expect(JSON.parse((await verify(s, ["--sample", "100%", "--json"])).stdout)).toMatchObject({
      compared: 300,
    });
    expect(await verify(s, ["--count-only", "--json"])).toMatchObject({ code: 0 });
    await s.db.collection(table).deleteOne({ pk: keys[1]!["pk"] });
    const count = await verify(s, ["--count-only", "--json"]);
    expect(count.code).toBe(3);
    expect(JSON.parse(count.stdout)).toMatchObject({ compared: 300, missing: 1 });
  });

  test("a table that isn't at the target is said once", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(50) });
    const found = await verify(s);
    expect(found.code).toBe(3);
    expect(diffOf(s)).toEqual([{ table, kind: "missing_table", target: table }]);
  });

  test("two documents of one key, indexes that are missing or of another kind", async () => {
    await using s = await scenario();
    const table = await s.table("t", {
      gsi: { byColor: ["color"] },
      items: [{ pk: { S: "a" }, color: { S: "red" } }],
    });
    expect(await s.cli()).toMatchObject({ code: 0 });
    const collection = s.db.collection(table);
    await collection.dropIndex("pk_1");
    await collection.createIndex({ pk: 1 });
    await collection.dropIndex("color_hashed");
    await collection.insertOne({ pk: "a", color: "red" });
    expect(await verify(s)).toMatchObject({ code: 3 });
    expect(
      diffOf(s)
        .map(({ kind, path, key }) => [kind, path, key?.pk.S])
        .toSorted(),
    ).toEqual([
      ["different_index", "pk_1", undefined],
      ["duplicate", undefined, "a"],
      ["missing_index", "color_hashed", undefined],
    ]);
    expect(await verify(s, ["--repair"])).toMatchObject({ code: 0 });
    expect(diffOf(s).map(({ kind, repair }) => [kind, repair])).toEqual([
      ["duplicate", "rewritten"],
      ["different_index", "built"],
      ["missing_index", "built"],
    ]);
    expect(await s.indexes(table)).toMatchObject({ "pk_1-2 unique": { pk: 1 } });
    expect(await verify(s)).toMatchObject({ code: 0 });
  });
});

describe("verify.after_full", () => {
  test("a copy is compared before it is said to be done; one that differs isn't", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(200) });
    const full = await s.cli({ "verify.after_full": "full" });
    expect(full).toMatchObject({ code: 0, stderr: "" });
    expect(full.stdout).toContain("source and target are equal");
    expect(full.stdout.trimEnd()).toEndWith("full sync done!");
    // What a plugin hides from the write is no difference, what it spoils behind the comparison's back is.
    const plugin = join(s.folder, "spoil.ts");
    writeFileSync(
      plugin,
      `let done = false;
      export default { name: "spoil", keepsKeys: true, setup(ctx) {
        ctx.hook("index:before", () => { done = true; });
        ctx.hook("convert:after", ({ records }) => { if (!done) records[0].document.more = 1; });
      } };`,
    );
    const spoiled = await s.cli({ "verify.after_full": "full", "target.db.exist": "drop", plugins: plugin }, [
      "--fresh",
    ]);
    expect([spoiled.code, spoiled.stderr]).toEqual([3, expect.stringContaining("error [DIFFERENT]")]);
    expect(spoiled.stdout).not.toContain("full sync done!");
    expect(diffOf(s).every(({ path, kind }) => kind === "different" && path === "more")).toBe(true);
    const again = await s.cli({ "verify.after_full": "count", plugins: plugin });
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain(table);
  });
});

describe("options that can't be used are refused", () => {
  test.each([
    [["--sample", "0"], "--sample 0 is no sample"],
    [["--sample", "101%"], "--sample 101% is no sample"],
    [["--sample", "5%", "--count-only"], "--sample and --count-only don't go together"],
    [["--settle", "soon"], "--settle soon is no time"],
    [["--part", "3/2"], "--part 3/2 is no part"],
    [["--tables", "nowhere"], "no such table in this migration: nowhere"],
    [["--keys", "nowhere.jsonl"], "the keys can't be read, there is no such file"],
  ])("%p", async (args, message) => {
    await using s = await scenario();
    await s.table("t", { items: someItems(1) });
    await s.cli();
    const { code, stderr } = await verify(s, args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
