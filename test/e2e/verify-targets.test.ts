/** `verify` with every target and every conversion: a copy is equal, and what was tampered with is found exactly. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BSON } from "mongodb";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { startMongos } from "../stand-in/mongos.ts";
import { diffOf, faultsOf } from "./diff-file.ts";
import { expectVerified } from "./equal.ts";
import { type Attributes, dynamo, scenario, type Scenario, type Settings } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { expectedFaults, rich, tamper, TAMPERING } from "./tampering.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const COUNT = 60;
const items = Array.from({ length: COUNT }, (_, n) => rich(n));
const TYPES = ["change", "mchange", "raw"] as const;
const repair = { deletes: true };

/** Everything that was found is there, and repaired everything is equal. */
async function expectFound(s: Scenario, settings: Settings, type: (typeof TYPES)[number]): Promise<void> {
  const { isDifferent } = await s.verify(settings);
  expect(isDifferent).toBe(true);
  expect(faultsOf(s)).toEqual(expectedFaults(type));
}

describe("target.type = mongodb", () => {
  test.each(TYPES)("%s: fifteen kinds of tampering are found and repaired", async (type) => {
    await using s = await scenario();
    const settings = { "convert.type": type };
    expect(TAMPERING[type]).toHaveLength(15);
    const table = await s.table("t", { items });
    await s.migrate(settings);
    await expectVerified(s, COUNT, settings);
    await tamper(s.db, table, type);
    await expectFound(s, settings, type);
    expect((await s.verify(settings, { repair })).isDifferent).toBe(false);
    await expectVerified(s, COUNT, settings);
    expect(await s.db.collection(table).countDocuments({})).toBe(COUNT);
  });

  test("sharding: the same", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items });
    await using mongos = await startMongos(s.mongoUri);
    const settings = {
      "target.mongodb.type": "sharding",
      "target.address": mongos.uri,
      "checkpoint.type": "file",
    };
    await s.cli(settings);
    await expectVerified(s, COUNT, settings);
    await tamper(s.db, table, "change");
    await expectFound(s, settings, "change");
    expect((await s.verify(settings, { repair })).isDifferent).toBe(false);
    await expectVerified(s, COUNT, settings);
  });
});

describe("target.type = file", () => {
  /** Tampers with a dump: its documents go through a collection and back. */
  async function tamperWithDump(s: Scenario, path: string, type: (typeof TYPES)[number]): Promise<void> {
    const dump = readFileSync(path);
    const documents: BSON.Document[] = [];
    for (let at = 0; at < dump.length; at += dump.readInt32LE(at)) {
      const document = dump.subarray(at, at + dump.readInt32LE(at));
      documents.push(BSON.deserialize(document, { promoteValues: false }));
    }
    await s.db.collection("dump").insertMany(documents);
    await tamper(s.db, "dump", type);
    const all = (await s.db.collection("dump").find({}, { raw: true }).toArray()) as unknown as Buffer[];
    writeFileSync(path, Buffer.concat(all));
  }

  test.each(TYPES)("%s: found, and a repair is refused", async (type) => {
    await using s = await scenario();
    await s.table("t", { items });
    const settings = { "target.type": "file", "target.address": "out", "convert.type": type };
    expect(await s.cli(settings)).toMatchObject({ code: 0, stderr: "" });
    await expectVerified(s, COUNT, settings);
    const names = readdirSync(join(s.folder, "out"), { recursive: true }) as string[];
    const dump = names.find((name) => name.endsWith(".bson"));
    await tamperWithDump(s, join(s.folder, "out", dump!), type);
    await expectFound(s, settings, type);
    if (type !== "change") return;
    const conf = s.conf(s.settings(settings));
    const refused = await s.run(["verify", "-c", conf, "--repair"]);
    expectRefusal(refused, { exit: 2, code: "CONFIG_INVALID", says: ["can't be repaired", "out"] });
    expect((await s.run(["verify", "-c", conf, "--settle", "0"])).code).toBe(3);
  });
});

describe("target.type = aliyun_dynamo_proxy", () => {
  /** What is put over an item, and the paths at which that is found. */
  const CHANGES: [change: (item: Attributes) => Attributes, ...paths: string[]][] = [
    [(item) => ({ ...item, n: { N: "6" } }), "n"],
    [(item) => ({ ...item, n: { S: "5" } }), "n"],
    [(item) => ({ ...item, big: { N: "5000000001" } }), "big"],
    [(item) => Object.fromEntries(Object.entries(item).filter(([name]) => name !== "s")), "s"],
    [(item) => ({ ...item, more: { BOOL: true } }), "more"],
    [(item) => ({ ...item, set: { SS: ["a", "b"] } }), "set"],
    [(item) => ({ ...item, set: { L: [{ S: "a" }, { S: "b" }, { S: "c" }] } }), "set"],
    [(item) => ({ ...item, b: { S: "AQID" } }), "b"],
    [(item) => ({ ...item, none: { BOOL: false } }), "none"],
    [(item) => ({ ...item, map: { M: { inner: { M: { x: { N: "2" } } } } } }), "map.inner.x"],
    [(item) => ({ ...item, list: { L: [{ N: "1" }] } }), "list[1]"],
    // The same number, and the same set.
    [(item) => ({ ...item, dec: { N: "1.50" }, set: { SS: ["c", "b", "a"] } })],
  ];

  test("found exactly, and repaired", async () => {
    await using s = await scenario();
    const name = `t.${s.id}`;
    await using source = await startStandIn({ tables: { [name]: { items } } });
    const settings = {
      "source.endpoint_url": source.endpoint,
      "filter.collection.white": name,
      "target.type": "aliyun_dynamo_proxy",
      "target.address": s.dynamoEndpoint,
    };
    const call = (operation: string, body: object): Promise<unknown> =>
      dynamo(s.dynamoEndpoint, operation, { TableName: name, ...body });
    try {
      expect(await s.cli(settings)).toMatchObject({ code: 0, stderr: "" });
      await expectVerified(s, COUNT, settings);
      for (const [i, [change]] of CHANGES.entries()) await call("PutItem", { Item: change(rich(i)) });
      await call("DeleteItem", { Key: { pk: { S: "k41" } } });
      await call("PutItem", { Item: { pk: { S: "extra" } } });
      expect((await s.verify(settings)).isDifferent).toBe(true);
      const different = CHANGES.flatMap(([, ...paths], i) => paths.map((path) => `k${i} different ${path}`));
      expect(faultsOf(s)).toEqual([...different, "extra extra", "k41 missing"].toSorted());

      const repaired = await s.run([
        "verify",
        "-c",
        s.conf(s.settings(settings)),
        "--repair",
        "--settle",
        "0",
      ]);
      expect(repaired).toMatchObject({ code: 0, stderr: "" });
      expect(new Set(diffOf(s).map((line) => line.repair))).toEqual(
        new Set(["rewritten", "inserted", "removed"]),
      );
      await expectVerified(s, COUNT, settings);
    } finally {
      await call("DeleteTable", {}).catch(() => {});
    }
  });
});
