/** Records that a plugin's hooks have spoilt end the run by name. */
import { expect, test } from "bun:test";
import { createContext } from "../../../core/run/context.ts";
import { convertRecords } from "../../../core/stages/convert.ts";
import { beforeWrite } from "../../../core/stages/write.ts";
import type { SourceRecord } from "../../../core/types.ts";
import change from "../../../plugins/convert/change.ts";
import { encodeRecords } from "../../../plugins/target/_documents.ts";
import { testConfig, testTable } from "../../fakes/context.ts";

const TABLE = testTable("pk");
const UNIT = { phase: "full", table: TABLE, segment: 0, segments: 1 } as const;
const record = (): SourceRecord => {
  const item = { pk: { S: "1" } };
  return { op: "put", event: "SCAN", keys: { ...item }, item };
};

type Editing = "fetch:after" | "convert:before" | "convert:after" | "write:before";
// oxlint-disable-next-line typescript/no-explicit-any -- as JavaScript does
type Loose = { records: any };

test.each<[what: string, hook: Editing, edit: (event: Loose) => void, says: string]>([
  ["no list", "fetch:after", (e) => (e.records = "x"), "records is no list"],
  ["no record", "convert:before", (e) => (e.records = [null]), "records[0] is no object"],
  ["a hole", "fetch:after", (e) => delete e.records[0], "records[0] is no object"],
  ["no op", "fetch:after", (e) => (e.records[0].op = "Put"), "records[0] has no op, put or delete"],
  ["no keys", "convert:before", (e) => delete e.records[0].keys, "records[0] has no keys"],
  ["no item", "convert:before", (e) => delete e.records[0].item, "records[0] is a put without an item"],
  [
    "no document",
    "write:before",
    (e) => (e.records[0].document = null),
    "records[0] is a put without a document",
  ],
  [
    "a frozen one",
    "fetch:after",
    (e) => Object.freeze(e.records[0]),
    "records[0] is frozen, and has to take key and document",
  ],
])("%s, in %s", async (_, hook, edit, says) => {
  await using ctx = createContext({ config: testConfig() });
  await ctx.use(change);
  ctx.hook(hook, (event: Loose) => void edit(event));
  const walk = async (): Promise<SourceRecord[]> =>
    beforeWrite(ctx, UNIT, (await convertRecords(ctx, UNIT, [record()])).records);
  await expect(walk()).rejects.toMatchObject({
    code: "HOOK_FAILED",
    message: `after the ${hook} hooks ${says}: table t`,
  });
});

test.each<[string, unknown, string]>([
  [
    "a getter that throws",
    {
      get a() {
        throw new Error("no");
      },
    },
    "no: table t",
  ],
  ["a number that BSON doesn't have", { a: 10n ** 40n }, ": table t"],
])("a document with %s is DATA_UNFIT", (_, document, says) => {
  const spoilt = { ...record(), document: document as Record<string, unknown> };
  const encode = (): unknown => encodeRecords([spoilt], TABLE, false);
  expect(encode).toThrow(
    expect.objectContaining({ code: "DATA_UNFIT", message: expect.stringContaining(says) }),
  );
});

test("what a hook throws without words is still its failure", async () => {
  await using ctx = createContext({ config: testConfig() });
  ctx.hook("close", () => {
    throw Object.create(null);
  });
  await expect(Promise.resolve(ctx.call("close", {}))).rejects.toMatchObject({
    code: "HOOK_FAILED",
    message: "a plugin's close hook threw: it threw what has no words",
  });
});
