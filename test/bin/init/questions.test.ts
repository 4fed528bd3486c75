/** The questions of `init`: which are asked, what becomes of the answers, and what a side that can't be reached leads to. */
import { describe, expect, test } from "bun:test";
import type { Texts } from "../../../bin/init/conf-text.ts";
import { askAll } from "../../../bin/init/questions.ts";
import { createRedactor } from "../../../core/config/redact.ts";
import { MigrationError } from "../../../core/errors.ts";
import type { Table } from "../../../core/types.ts";
import { type Answer, type FakeAsker, fakeAsker } from "../../fakes/asker.ts";
import { testTable } from "../../fakes/context.ts";

const TABLES = ["orders", "users", "x"].map((name) =>
  testTable("pk", undefined, { name, itemCount: 1500, sizeBytes: 2000 }),
);

/** What is known in the end, and what was told. */
async function answered(
  script: Answer[],
  texts: Texts = {},
  probes: { source?: () => Table[]; target?: (texts: Texts) => string } = {},
): Promise<{ texts: Texts; told: string[] }> {
  const ask: FakeAsker = fakeAsker(script);
  await askAll({
    ask,
    texts,
    redact: (text) => createRedactor(texts)(text),
    probeSource: async () => (probes.source ?? (() => TABLES))(),
    probeTarget: async (known) => (probes.target ?? (() => "database shop"))(known),
  });
  expect(ask.left()).toEqual([]);
  return { texts, told: ask.told };
}

const SOURCE: Answer[] = [
  ["Where are the tables", "aws"],
  ["region", "eu-west-1"],
  ["credentials", "chain"],
];
const REST: Answer[] = [
  ["What is to be done", "all"],
  ["Where to", "mongodb"],
  ["name", "shop"],
  ["connection string", "mongodb://h:1"],
];

test("AWS with the usual credentials, all tables, MongoDB", async () => {
  const { texts, told } = await answered([...SOURCE, ["All 3 tables", true], ...REST]);
  expect(texts).toEqual({
    "source.region": "eu-west-1",
    sync_mode: "all",
    "target.type": "mongodb",
    id: "shop",
    "target.address": "mongodb://h:1",
  });
  expect(told).toEqual(["the source answers: 3 tables, 6 kB", "the target answers: database shop"]);
});

test("keys, temporary ones with their token; some tables", async () => {
  const { texts } = await answered([
    ...SOURCE.slice(0, 2),
    ["credentials", "keys"],
    ["access key", `ASIA${"1"}`],
    ["secret", "s e#cret"],
    ["token", "tok"],
    ["All", false],
    ["Which tables", ["x", "orders"]],
    ...REST,
  ]);
  expect(texts).toMatchObject({
    "source.access_key_id": "ASIA1",
    "source.secret_access_key": "s e#cret",
    "source.session_token": "tok",
    "filter.collection.white": "orders;x",
  });
});

test("the secret of a key that is known is asked for", async () => {
  const known: Texts = {
    "source.region": "r",
    "source.access_key_id": "AKIA",
    "filter.collection.white": "a",
  };
  const { texts } = await answered([["secret", "s"], ...REST], known);
  expect(texts["source.secret_access_key"]).toBe("s");
});

test("what is known isn't asked", async () => {
  const known: Texts = {
    "source.endpoint_url": "http://h:1",
    "filter.collection.white": "a",
    sync_mode: "full",
    "target.type": "file",
    "target.address": "./d",
    id: "i",
  };
  expect((await answered([], { ...known })).texts).toEqual(known);
});

test("a password is asked for where a user has none, and encoded", async () => {
  const address: Answer[] = [
    ["connection string", "mongodb://me%40x@h:1/?w=1"],
    ["password of me@x", "p@/ß"],
  ];
  const { texts } = await answered([...SOURCE, ["All", true], ...REST.slice(0, 3), ...address]);
  expect(texts["target.address"]).toBe(`mongodb://me%40x:${encodeURIComponent("p@/ß")}@h:1/?w=1`);
});

test("an answer that can't be is asked for again", async () => {
  const script: Answer[] = [
    ["Where are", "other"],
    ["address", "localhost:8000"],
    ["address", "http://localhost:8000"],
    ["All", true],
    ...REST.slice(0, 2),
    ["name", "a.b"],
    ["name", "shop"],
    ["connection string", ""],
    ["connection string", "h:1"],
    ["connection string", "mongodb://h:1"],
  ];
  const { told } = await answered(script);
  expect(told.filter((line) => line.startsWith("refused"))).toEqual([
    "refused: must be an http:// or https:// URL",
    expect.stringContaining("must be usable as a MongoDB database name"),
    "refused: it is needed",
    "refused: must start with mongodb:// or mongodb+srv://",
  ]);
});

describe("a side that doesn't answer", () => {
  const away = new MigrationError("SOURCE_DENIED", "no such key geheim99", { hint: "check the keys" });

  test("the source: what was said of it is corrected", async () => {
    let tries = 0;
    const source = (): Table[] => {
      if (tries++ === 0) throw away;
      return TABLES;
    };
    const wrong: Texts = {
      "source.region": "us-east-1",
      "source.access_key_id": "geheim99",
      "source.secret_access_key": "s",
    };
    const { texts, told } = await answered(
      [["What now", "correct"], ...SOURCE, ["All", true], ...REST],
      wrong,
      { source },
    );
    expect(texts).not.toHaveProperty("source.access_key_id");
    expect(texts["source.region"]).toBe("eu-west-1");
    expect(told[0]).toBe("no such key ***\ncheck the keys");
  });

  test("the source: gone on without, tables are named by hand", async () => {
    const source = (): Table[] => {
      throw away;
    };
    const script: Answer[] = [
      ...SOURCE,
      ["What now", "again"],
      ["What now", "on"],
      ["Which tables", "a;b*"],
      ...REST,
    ];
    expect((await answered(script, {}, { source })).texts["filter.collection.white"]).toBe("a;b*");
  });

  test("the target: corrected, the source isn't asked about again", async () => {
    const seen: unknown[] = [];
    const target = (texts: Texts): string => {
      seen.push(texts["target.address"]);
      if (seen.length === 1) throw away;
      return "database shop";
    };
    const script: Answer[] = [
      ...SOURCE,
      ["All", true],
      ...REST,
      ["What now", "correct"],
      ["Where to", "aliyun_dynamo_proxy"],
      ["address", "http://p:1"],
    ];
    const { texts } = await answered(script, { "target.db.exist": "drop" }, { target });
    expect(texts["target.db.exist"]).toBe("drop");
    expect(seen).toEqual(["mongodb://h:1", "http://p:1"]);
    expect(texts).toMatchObject({ id: "shop", "target.type": "aliyun_dynamo_proxy" });
  });
});
