/** `convert.type = mchange`, value by value. */
import { describe, expect, test } from "bun:test";
import mchange from "../../../plugins/convert/mchange.ts";
import type { Field } from "../../fakes/bson-types.ts";
import { keyAttribute, scanned, setUpConverter, testTable } from "../../fakes/context.ts";
import { converted, driverBytes, itemOf } from "./behaviour.ts";
import { VALUES } from "./every-value.ts";
import { NAMES } from "./names.ts";

const PK = { S: "k" };

describe("values", () => {
  test.each(VALUES)("$name", async ({ name, value, mchange: expected, loses }) => {
    const { fields, overflowed } = await converted(mchange, { pk: PK, v: value });
    expect(fields).toEqual([
      ["pk", "string", "k"],
      ["v", ...expected],
    ]);
    expect(overflowed).toBe(name === "numberSet" ? 2 : loses ? 1 : 0);
  });

  test("all in one item are the driver's bytes", async () => {
    const item = itemOf([
      ["pk", PK],
      ...VALUES.map(({ name, value }): [string, typeof value] => [name, value]),
    ]);
    const { fields, bytes, overflowed } = await converted(mchange, item);
    const expected: Field[] = [
      ["pk", "string", "k"],
      ...VALUES.map(({ name, mchange }): Field => [name, ...mchange]),
    ];
    expect(fields).toEqual(expected);
    expect(bytes).toEqual(Buffer.from(driverBytes(expected)));
    expect(overflowed).toBe(6);
  });
});

test.each(NAMES)("the name %j stays, at the top and in a map", async (name) => {
  const item = itemOf([
    ["pk", PK],
    [name, { M: itemOf([[name, { N: "1" }]]) }],
  ]);
  const { fields } = await converted(mchange, item);
  expect(fields).toEqual([
    ["pk", "string", "k"],
    [name, "document", [[name, "double", 1]]],
  ]);
});

describe("_id", () => {
  const id = { S: "i" };

  test("gets the prefix at the top only", async () => {
    const item = { pk: PK, _id: id, m: { M: { _id: id, pre_id: id } } };
    const { fields } = await converted(mchange, item, { settings: { "convert._id": "pre" } });
    expect(fields).toEqual([
      ["pk", "string", "k"],
      ["pre_id", "string", "i"],
      [
        "m",
        "document",
        [
          ["_id", "string", "i"],
          ["pre_id", "string", "i"],
        ],
      ],
    ]);
  });

  test("renamed to what is there already is an error", async () => {
    const failing = converted(
      mchange,
      { pk: PK, _id: id, pre_id: id },
      { settings: { "convert._id": "pre" } },
    );
    await expect(failing).rejects.toMatchObject({ code: "DATA_UNFIT" });
  });

  test("stays as the whole primary key, a double if it is a number", async () => {
    const { fields } = await converted(mchange, { _id: { N: "7" } }, { table: testTable("_id:N") });
    expect(fields).toEqual([["_id", "double", 7]]);
  });

  test("is an error otherwise", async () => {
    const failing = converted(mchange, { pk: PK, _id: id });
    await expect(failing).rejects.toMatchObject({
      code: "DATA_UNFIT",
      hint: expect.stringContaining("convert._id"),
    });
  });
});

describe("keys", () => {
  test.each(["9007199254740993", "-9007199254740993", "0.12345678901234567", "12345678901234567000"])(
    "%s would lose digits: an error",
    async (digits) => {
      const failing = converted(mchange, { pk: { N: digits } }, { table: testTable("pk:N") });
      await expect(failing).rejects.toMatchObject({ code: "DATA_UNFIT" });
      await expect(failing).rejects.toThrow(`the key attribute pk = ${digits} would lose digits: table t`);
    },
  );

  test.each(["9007199254740992", "0.1", "12345678901234567168", "9223372036854775808"])(
    "%s is kept",
    async (digits) => {
      const { record, overflowed } = await converted(
        mchange,
        { pk: { N: digits } },
        { table: testTable("pk:N") },
      );
      expect(record.key).toEqual({ pk: Number(digits) });
      expect(overflowed).toBe(0);
    },
  );

  test("no two keys are one document", async () => {
    const converter = await setUpConverter(mchange);
    const table = testTable("pk:N");
    // all five are the same double
    const near = [
      "12345678901234567000",
      "12345678901234567167",
      "12345678901234567168",
      "12345678901234567169",
      "12345678901234567200",
    ];
    const accepted = near.filter((digits) => {
      try {
        converter.convert([scanned({ pk: { N: digits } }, table)], table);
        return true;
      } catch {
        return false;
      }
    });
    expect(accepted).toEqual(["12345678901234567168"]);
    expect(converter.fieldPath(keyAttribute("pk:N"))).toBe("pk");
  });
});
