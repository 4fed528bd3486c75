/** What others have in NimoShake's place under a table's name: refused, and never dropped. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import file from "../../../plugins/checkpoint/file.ts";
import mongodb from "../../../plugins/checkpoint/mongodb.ts";
import { testTable } from "../../fakes/context.ts";
import { openPlaces, type Places } from "./mongodb/place.ts";
import { expectFailure, openCheckpoint, type Opened } from "./open.ts";

setDefaultTimeout(180_000);

const TABLE = testTable("pk");

/** Nothing of ours drops it. */
async function expectRefused({ checkpoint, ctx }: Opened, ...says: string[]): Promise<void> {
  const refusal = ["CHECKPOINT_MISMATCH", ...says] as const;
  await expectFailure(checkpoint.checkPlaces!([TABLE], ctx.signal), ...refusal);
  await checkpoint.save("table:t", new Map([["table", 1]]));
  await checkpoint.save("status", new Map([["status", "incr_sync"]]));
  expect((await checkpoint.left!()).names.sort()).toEqual(["status", "table:t"]);
  await expectFailure(checkpoint.clear("shards:t"), ...refusal);
}

describe("a folder", () => {
  const make = (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), "nimo-shake-others-"));
    const address = join(folder, "states");
    mkdirSync(address);
    writeFileSync(join(address, "t"), text);
    return {
      address,
      path: join(address, "t"),
      open: () => openCheckpoint(file, { "checkpoint.type": "file", "checkpoint.address": address }),
      [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
    };
  };

  test.each([
    ["text", "shopping list\n"],
    ["a document", '{"name":"precious"}\n'],
    ["a document without a line's end", '{"name":"precious"}'],
  ])("with a file of others: %s", async (_, text) => {
    using place = make(text);
    await using opened = await place.open();
    await expectRefused(opened, place.path, "checkpoint.address");
    expect(readFileSync(place.path, "utf8")).toBe(text);
  });

  test.each(['{"ShardId":"s","Fa', '{"ShardId":"s"}\n', ""])("with a file of rows: %j", async (text) => {
    using place = make(text);
    await using opened = await place.open();
    const { checkpoint, ctx } = opened;
    await checkpoint.save("table:t", new Map([["table", 1]]));
    await checkpoint.checkPlaces!([TABLE], ctx.signal);
    await checkpoint.clear("shards:t");
    expect(readdirSync(place.address)).toEqual([]);
  });
});

describe("a database", () => {
  let places: Places;
  beforeAll(async () => void (places = await openPlaces()));
  afterAll(() => places.client.close());

  test.each([
    ["with documents of others", [{ name: "precious" }], true],
    ["with rows and a document of others", [{ ShardId: "s" }, { name: "precious" }], true],
    ["with rows", [{ ShardId: "s" }], false],
  ])("%s", async (_, documents, isOthers) => {
    await using place = places.make();
    const original = places.client.db(place.settings["checkpoint.db"]);
    try {
      await original.collection("t").insertMany(documents);
      await using opened = await openCheckpoint(mongodb, place.settings);
      const { checkpoint, ctx } = opened;
      if (isOthers) await expectRefused(opened, "collection t", "checkpoint.db");
      else {
        await checkpoint.checkPlaces!([TABLE], ctx.signal);
        await checkpoint.clear("shards:t");
      }
      expect(await original.collection("t").countDocuments()).toBe(isOthers ? documents.length : 0);
    } finally {
      await original.dropDatabase();
    }
  });

  test("with a status of others", async () => {
    await using place = places.make();
    const original = places.client.db(place.settings["checkpoint.db"]);
    try {
      await original.collection("status_table").insertOne({ name: "precious" });
      await using opened = await openCheckpoint(mongodb, place.settings);
      const { checkpoint, ctx } = opened;
      await expectFailure(
        checkpoint.checkPlaces!([TABLE], ctx.signal),
        "CHECKPOINT_MISMATCH",
        "status_table",
      );
      await expectFailure(checkpoint.clear("status"), "CHECKPOINT_MISMATCH", "status_table");
      expect(await original.collection("status_table").countDocuments()).toBe(1);
    } finally {
      await original.dropDatabase();
    }
  });
});
