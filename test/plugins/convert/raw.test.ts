/** `convert.type = raw`, value by value. */
import { describe, expect, test } from "bun:test";
import type { Item } from "../../../core/types.ts";
import raw from "../../../plugins/convert/raw.ts";
import type { Field } from "../../fakes/bson-types.ts";
import { keyAttribute, scanned, setUpConverter, testTable } from "../../fakes/context.ts";
import { converted, driverBytes, itemOf } from "./behaviour.ts";
import { VALUES } from "./every-value.ts";
import { NAMES } from "./names.ts";

const PK = { S: "k" };
const PK_RAW: Field = ["pk", "document", [["S", "string", "k"]]];

describe("values", () => {
  test.each(VALUES)("$name", async ({ value, raw: expected }) => {
    const { fields, overflowed } = await converted(raw, { pk: PK, v: value });
    expect(fields).toEqual([PK_RAW, ["v", ...expected]]);
    expect(overflowed).toBe(0);
  });

  test("all in one item are the driver's bytes", async () => {
    const item = itemOf([
      ["pk", PK],
      ...VALUES.map(({ name, value }): [string, typeof value] => [name, value]),
    ]);
    const { fields, bytes } = await converted(raw, item);
    const expected: Field[] = [PK_RAW, ...VALUES.map(({ name, raw }): Field => [name, ...raw])];
    expect(fields).toEqual(expected);
    expect(bytes).toEqual(Buffer.from(driverBytes(expected)));
  });

  test("a type DynamoDB doesn't have is an error", async () => {
    const failing = converted(raw, { pk: PK, v: {} });
    await expect(failing).rejects.toMatchObject({ code: "DATA_UNFIT" });
  });
});

test.each(NAMES)("the name %j stays, at the top and in a map", async (name) => {
  const item = itemOf([
    ["pk", PK],
    [name, { M: itemOf([[name, { N: "1" }]]) }],
  ]);
  const { fields } = await converted(raw, item);
  const inner: Field = [name, "document", [["N", "string", "1"]]];
  expect(fields).toEqual([PK_RAW, [name, "document", [["M", "document", [inner]]]]]);
});

describe("keys", () => {
  test.each([
    ["pk", { S: "a" }, "pk.S", "a"],
    ["pk:N", { N: "1.50" }, "pk.N", "1.50"],
    [
      "pk:N",
      { N: "12345678901234567890123456789012345678" },
      "pk.N",
      "12345678901234567890123456789012345678",
    ],
  ])("%s %j is found by %s", async (key, value, path, expected) => {
    const { record, converter } = await converted(raw, { pk: value }, { table: testTable(key) });
    expect(Object.entries(record.key!)).toEqual([[path, expected]]);
    expect(converter.fieldPath(keyAttribute(key))).toBe(path);
  });

  test("a binary is found by its bytes", async () => {
    const { record } = await converted(raw, { pk: { B: "AP8=" } }, { table: testTable("pk:B") });
    expect(Object.keys(record.key!)).toEqual(["pk.B"]);
    expect(Buffer.from((record.key!["pk.B"] as { buffer: Uint8Array }).buffer).toString("hex")).toBe("00ff");
  });
});

describe("_id", () => {
  const id = { S: "i" };

  test("stays, typed, where it is the whole primary key", async () => {
    const { fields, record } = await converted(raw, { _id: id }, { table: testTable("_id") });
    expect(fields).toEqual([["_id", "document", [["S", "string", "i"]]]]);
    expect(record.key).toEqual({ "_id.S": "i" });
  });

  test("gets the prefix before the type, at every depth", async () => {
    const item = { _id: id, m: { M: { _id: id } } };
    const options = { table: testTable("_id"), settings: { "convert._id": "pre" } };
    const { fields, record, converter } = await converted(raw, item, options);
    expect(fields).toEqual([
      ["pre_id", "document", [["S", "string", "i"]]],
      ["m", "document", [["M", "document", [["pre_id", "document", [["S", "string", "i"]]]]]]],
    ]);
    expect(record.key).toEqual({ "pre_id.S": "i" });
    expect(converter.fieldPath(keyAttribute("_id"))).toBe("pre_id.S");
  });

  test("renamed to what is there already is an error, at any depth", async () => {
    const items: Item[] = [
      { pk: PK, _id: id, pre_id: id },
      { pk: PK, m: { M: { _id: id, pre_id: id } } },
    ];
    for (const item of items) {
      const failing = converted(raw, item, { settings: { "convert._id": "pre" } });
      await expect(failing).rejects.toMatchObject({ code: "DATA_UNFIT" });
    }
  });

  test("every call of one converter is for itself", async () => {
    const converter = await setUpConverter(raw);
    const table = testTable("pk");
    const bad = scanned({ pk: PK, _id: id }, table);
    expect(() => converter.convert([bad], table)).toThrow("_id");
    expect(converter.convert([scanned({ pk: PK }, table)], table)).toEqual({ overflowed: 0 });
  });
});
