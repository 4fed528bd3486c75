/** How the files of a dump are called and where they are: which names are refused, and those of earlier versions. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Table } from "../../../../core/types.ts";
import { testTable } from "../../../fakes/context.ts";
import { expectFailure } from "../../checkpoint/open.ts";
import {
  begun,
  encoded,
  finished,
  INDEXES,
  NEVER,
  numbers,
  type Place,
  TABLE,
  temporaryPlace,
  unitOf,
  write,
} from "./place.ts";

setDefaultTimeout(180_000);

const OPTIONS = { signal: NEVER };

describe("the check", () => {
  const named = (...names: string[]): Table[] =>
    names.map((name) => testTable("pk", undefined, { name, targetName: name }));

  test.each<[string, string[], string[]]>([
    [
      "too long",
      ["x".repeat(250), "y".repeat(240)],
      [`table ${"x".repeat(250)}`, `table ${"y".repeat(240)}`],
    ],
    ["the same", ["orders", "orders"], ["orders and orders"]],
    ["none that MongoDB takes", ["system.x"], ["system.x"]],
  ])("refuses names that are %s", async (_, names, says) => {
    using place = temporaryPlace();
    const target = await place.open({ id: "x" });
    await expectFailure(target.check(named(...names), NEVER), "TABLE_UNFIT", ...says, "by a plugin");
  });

  test.each<[string, string, string]>([
    ["too long for a file", "x".repeat(220), "258 bytes"],
    ["none that MongoDB takes", "system", "system.2"],
  ])("refuses to rename to names that are %s", async (_, name, says) => {
    using place = temporaryPlace();
    const tables = named("fine", name);
    const target = await place.open({ "target.db.exist": "rename", id: "x" });
    await target.check(tables, NEVER);
    await expectFailure(target.checkRoom!(tables, NEVER), "TABLE_UNFIT", says, `table ${name}`);
  });

  test("takes names that differ by case only, and no disk takes their files for the same", async () => {
    using place = temporaryPlace();
    const tables = named("orders", "Orders", "ORDERS", "Users");
    const target = await place.open({ "target.db.exist": "rename" });
    for (let run = 0; run < 2; run++) {
      await target.check(tables, NEVER);
      for (const table of tables) {
        if (run === 1) await target.makeRoom(table, NEVER);
        expect(await target.find(table, NEVER)).toBeUndefined();
        await target.create(table, NEVER);
        await target.writeEncoded!(encoded(unitOf(0, 1, table), [{ _id: table.name }]), NEVER);
        await target.index(table, INDEXES, OPTIONS);
      }
    }
    const names = place.names();
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(16);
    expect(names.filter((name) => /^[^.]*.bson$/.test(name))).toEqual([
      "%4F%52%44%45%52%53.bson",
      "%4Frders.bson",
      "Users.bson",
      "orders.bson",
    ]);
    for (const name of names.filter((each) => each.endsWith(".bson"))) {
      const [{ _id: table } = {}] = place.documents(name);
      expect(decodeURIComponent(name)).toStartWith(`${table}.`);
      const metadata = readFileSync(place.path(name.replace(/bson$/, "metadata.json")), "utf8");
      expect(metadata).toContain(`"collectionName":"${table}"`);
    }
  });

  test("takes names up to the limit, and they work", async () => {
    using place = temporaryPlace();
    const name = "x".repeat(236);
    const [table] = named(name) as [Table];
    const target = await place.open();
    await target.check([table], NEVER);
    await target.create(table, NEVER);
    await target.writeEncoded!(encoded(unitOf(999_999, 1_000_000, table), numbers(0, 1)), NEVER);
    await target.index(table, INDEXES, OPTIONS);
    expect(place.names()).toEqual([`${name}.bson`, `${name}.metadata.json`]);
  });
});

describe("files where this version keeps none", () => {
  async function moved(place: Place, to: string, names: RegExp): Promise<void> {
    for (const name of place.names().filter((each) => names.test(each))) {
      renameSync(
        place.path(name),
        join(to, name.replace(/^orders/, to === place.folder ? "%4Frders" : "orders")),
      );
    }
  }

  test.each([
    ["half made", (place: Place) => begun(place).then((target) => write(target, 0, numbers(0, 3)))],
    ["finished", finished],
  ])("of an earlier version, %s: refused, and gone on with once they are moved", async (_, make) => {
    using place = temporaryPlace();
    await make(place);
    const found = await (await place.open()).find(TABLE, NEVER);
    await moved(place, place.dump, /^orders/);
    const before = readdirSync(place.dump);
    for (const exist of ["", "drop", "rename"] as const) {
      const target = await place.open({ "target.db.exist": exist });
      const says = [place.dump, "move them away", `${place.folder}/orders.*`];
      await expectFailure(target.check([TABLE], NEVER), "TARGET_EXISTS", ...says);
    }
    expect(readdirSync(place.dump)).toEqual(before);
    for (const name of before) {
      if (name.startsWith("orders")) renameSync(join(place.dump, name), place.path(name));
    }
    const target = await place.open();
    await target.check([TABLE], NEVER);
    expect(await target.find(TABLE, NEVER)).toBe(found!);
    await target.resume(TABLE, { units: [{ unit: unitOf(0, 1), written: 3 }], indexes: [] }, NEVER);
    await target.index(TABLE, INDEXES, OPTIONS);
    expect(place.documents("orders.bson")).toEqual(numbers(0, 3));
  });

  test("under a table's name in its other spelling: refused", async () => {
    using place = temporaryPlace();
    await finished(place);
    await moved(place, place.folder, /^orders/);
    const orders = { ...TABLE, name: "Orders", targetName: "Orders" };
    const target = await place.open({ "target.db.exist": "drop" });
    await expectFailure(target.check([orders], NEVER), "TARGET_EXISTS", "%4Frders.bson");
    await target.check([orders, TABLE], NEVER);
  });
});
