/** `convert.type = change`, value by value. */
import { describe, expect, test } from "bun:test";
import change from "../../../plugins/convert/change.ts";
import { type Field, readDocument } from "../../fakes/bson-types.ts";
import { keyAttribute, scanned, setUpConverter, testTable } from "../../fakes/context.ts";
import { converted, driverBytes, encode, itemOf } from "./behaviour.ts";
import { VALUES } from "./every-value.ts";
import { NAMES } from "./names.ts";

const PK = { S: "k" };
const DIGITS_35 = "12345678901234567890123456789012345";

describe("values", () => {
  test.each(VALUES)("$name", async ({ value, change: expected, overflows }) => {
    const { fields, overflowed } = await converted(change, { pk: PK, v: value });
    expect(fields).toEqual([
      ["pk", "string", "k"],
      ["v", ...expected],
    ]);
    expect(overflowed).toBe(overflows ? 1 : 0);
  });

  test("all in one item are the driver's bytes", async () => {
    const item = itemOf([
      ["pk", PK],
      ...VALUES.map(({ name, value }): [string, typeof value] => [name, value]),
    ]);
    const { fields, bytes, overflowed } = await converted(change, item);
    const expected: Field[] = [
      ["pk", "string", "k"],
      ...VALUES.map(({ name, change }): Field => [name, ...change]),
    ];
    expect(fields).toEqual(expected);
    expect(bytes).toEqual(Buffer.from(driverBytes(expected)));
    expect(overflowed).toBe(2);
  });

  test("a type DynamoDB doesn't have is an error", async () => {
    const failing = converted(change, { pk: PK, v: { X: 1 } as object });
    await expect(failing).rejects.toMatchObject({
      code: "DATA_UNFIT",
      message: expect.stringContaining('["X"]'),
    });
  });
});

describe("a key that a plugin has made another of", () => {
  const table = testTable("pk:N");
  const convert = async (value: object): Promise<unknown> => {
    const converter = await setUpConverter(change);
    const record = scanned({ pk: value }, table);
    converter.convert([record], table);
    return record.key;
  };

  test("may be of another type than the table's", async () => {
    expect(await convert({ S: "user#5" })).toEqual({ pk: "user#5" });
  });

  test.each([{}, { BOOL: true }, { L: [] }])("isn't there: %j", async (value) => {
    await expect(convert(value)).rejects.toMatchObject({ code: "DATA_UNFIT" });
  });
});

describe("names", () => {
  test.each(NAMES)("%j stays, at the top and in a map", async (name) => {
    const inner = itemOf([[name, { N: "1" }]]);
    const item = itemOf([
      ["pk", PK],
      [name, { M: inner }],
    ]);
    const { fields, bytes } = await converted(change, item);
    const expected: Field[] = [
      ["pk", "string", "k"],
      [name, "document", [[name, "int32", 1]]],
    ];
    expect(fields).toEqual(expected);
    expect(bytes).toEqual(Buffer.from(driverBytes(expected)));
  });

  test.each(NAMES)("%j as the key's name", async (name) => {
    const table = testTable("x");
    table.keys.partition.name = name;
    const { fields, record, converter } = await converted(change, itemOf([[name, PK]]), { table });
    expect(fields).toEqual([[name, "string", "k"]]);
    expect(Object.entries(record.key!)).toEqual([[name, "k"]]);
    expect(converter.fieldPath(table.keys.partition)).toBe(name);
  });
});

test("a key that a plugin has made another type of, in the item and in keys alike", async () => {
  const table = testTable("pk:N");
  const { fields, record } = await converted(change, { pk: { S: "user#5" } }, { table });
  expect(fields).toEqual([["pk", "string", "user#5"]]);
  expect(record.key).toEqual({ pk: "user#5" });
  const none = converted(change, { pk: { BOOL: true } }, { table });
  await expect(none).rejects.toMatchObject({ code: "DATA_UNFIT" });
});

describe("_id", () => {
  const id = { S: "i" };

  test("stays where it is the whole primary key", async () => {
    const { fields, record, converter } = await converted(change, { _id: id }, { table: testTable("_id") });
    expect(fields).toEqual([["_id", "string", "i"]]);
    expect(record.key).toEqual({ _id: "i" });
    expect(converter.fieldPath(keyAttribute("_id"))).toBe("_id");
  });

  test.each([
    ["no key", testTable("pk")],
    ["the partition key beside a sort key", testTable("_id", "pk")],
    ["the sort key", testTable("pk", "_id")],
  ])("is an error where it is %s", async (_what, table) => {
    const failing = converted(change, { pk: PK, _id: id }, { table: { ...table, name: "orders" } });
    await expect(failing).rejects.toMatchObject({
      code: "DATA_UNFIT",
      hint: expect.stringContaining("convert._id"),
    });
    await expect(failing).rejects.toThrow(/_id.*table orders, key \{.*"pk":\{"S":"k"\}/);
  });

  test("in a map stays without a prefix", async () => {
    const { fields } = await converted(change, { pk: PK, m: { M: { _id: id } } });
    expect(fields[1]).toEqual(["m", "document", [["_id", "string", "i"]]]);
  });

  test("gets the prefix at every depth", async () => {
    const item = { pk: PK, _id: id, m: { M: { _id: id, l: { L: [{ M: { _id: id } }] } } } };
    const { fields } = await converted(change, item, { settings: { "convert._id": "pre" } });
    expect(fields).toEqual([
      ["pk", "string", "k"],
      ["pre_id", "string", "i"],
      [
        "m",
        "document",
        [
          ["pre_id", "string", "i"],
          ["l", "array", [["document", [["pre_id", "string", "i"]]]]],
        ],
      ],
    ]);
  });

  test("gets the prefix as a key too", async () => {
    const options = { table: testTable("_id", "pk"), settings: { "convert._id": "pre" } };
    const { fields, record, converter } = await converted(change, { _id: id, pk: PK }, options);
    expect(fields.map(([name]) => name)).toEqual(["pre_id", "pk"]);
    expect(record.key).toEqual({ pre_id: "i", pk: "k" });
    expect(converter.fieldPath(keyAttribute("_id"))).toBe("pre_id");
  });

  test.each([
    ["at the top", { pk: PK, _id: id, pre_id: id }],
    ["in a map", { pk: PK, m: { M: { pre_id: id, _id: id } } }],
    ["in a list", { pk: PK, l: { L: [{ M: { _id: id, pre_id: id } }] } }],
  ])("renamed to what is there already is an error, %s", async (_where, item) => {
    const failing = converted(change, item, { settings: { "convert._id": "pre" } });
    await expect(failing).rejects.toMatchObject({ code: "DATA_UNFIT" });
    await expect(failing).rejects.toThrow(
      /pre_id, which is there already: table t, key \{"pk":\{"S":"k"\}\}/,
    );
  });
});

describe("convert.number_overflow", () => {
  const item = { pk: PK, n: { N: DIGITS_35 }, l: { L: [{ N: DIGITS_35 }, { N: "1" }] } };

  test("string keeps the digits and counts them", async () => {
    const { fields, overflowed } = await converted(change, item, {
      settings: { "convert.number_overflow": "string" },
    });
    expect(fields[1]).toEqual(["n", "string", DIGITS_35]);
    expect(overflowed).toBe(2);
  });

  test("round rounds halves to even and counts them", async () => {
    const { fields, overflowed } = await converted(change, item, {
      settings: { "convert.number_overflow": "round" },
    });
    expect(fields[1]).toEqual(["n", "decimal128", "1234567890123456789012345678901234e1"]);
    expect(overflowed).toBe(2);
  });

  test("fail names the number, the table and the key", async () => {
    const failing = converted(change, item, { settings: { "convert.number_overflow": "fail" } });
    await expect(failing).rejects.toMatchObject({ code: "DATA_UNFIT" });
    await expect(failing).rejects.toThrow(new RegExp(`${DIGITS_35}.*table t, key \\{"pk":\\{"S":"k"\\}\\}`));
  });

  test("every call counts its own", async () => {
    const converter = await setUpConverter(change);
    const table = testTable("pk");
    const many = [scanned(item, table), scanned(item, table), scanned({ pk: PK }, table)];
    expect(converter.convert(many, table)).toEqual({ overflowed: 4 });
    expect(converter.convert([scanned({ pk: PK }, table)], table)).toEqual({ overflowed: 0 });
  });
});

describe("keys", () => {
  test.each([
    ["pk", { S: "a" }, "string", "a"],
    ["pk:N", { N: "9007199254740993" }, "int64", 9007199254740993n],
    ["pk:B", { B: "AP8=" }, "binary 0", "00ff"],
    ["pk:N", { N: DIGITS_35 }, "string", DIGITS_35],
  ])("%s %j is found by its %s", async (key, value, type, expected) => {
    const { record, converter } = await converted(
      change,
      { pk: value, v: { N: "1" } },
      { table: testTable(key) },
    );
    const asDocument = { ...record, document: record.key! };
    expect(readDocument(encode(converter, asDocument))).toEqual([["pk", type, expected]]);
  });

  test("a key of 35 digits counts once", async () => {
    const { overflowed } = await converted(change, { pk: { N: DIGITS_35 } }, { table: testTable("pk:N") });
    expect(overflowed).toBe(1);
  });

  test.each(["round", "fail"])("a key of 35 digits is an error with %s", async (overflow) => {
    const options = { table: testTable("pk", "sk:N"), settings: { "convert.number_overflow": overflow } };
    const failing = converted(change, { pk: PK, sk: { N: DIGITS_35 } }, options);
    await expect(failing).rejects.toMatchObject({ code: "DATA_UNFIT" });
    await expect(failing).rejects.toThrow(DIGITS_35);
  });

  test.each([`${DIGITS_35.slice(0, -1)}0`, `0.${"0".repeat(96)}${DIGITS_35.slice(0, -1)}`])(
    "a key of 34 digits, %s, is none with round",
    async (digits) => {
      const options = { table: testTable("pk:N"), settings: { "convert.number_overflow": "round" } };
      const { overflowed } = await converted(change, { pk: { N: digits } }, options);
      expect(overflowed).toBe(0);
    },
  );

  test("a delete has a key and no document", async () => {
    const converter = await setUpConverter(change);
    const record = { op: "delete" as const, event: "REMOVE" as const, keys: { pk: { N: "5" } } };
    converter.convert([record], testTable("pk:N"));
    expect(record).toMatchObject({ key: { pk: 5 } });
    expect("document" in record).toBe(false);
  });
});
