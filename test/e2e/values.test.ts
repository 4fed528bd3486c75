/** Every value type and every awkward name, through the whole tool, compared type by type. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Document } from "mongodb";
import { expectVerified } from "./equal.ts";
import { scenario } from "./helpers.ts";
import type { Outcome, Scenario } from "./helpers.ts";
import { decimal, int32, typed } from "./typed.ts";
import { VALUE_CASES } from "./value-cases.ts";
import type { ValueCase } from "./value-cases.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** At the top level, all in one item; `_id` has tests of its own. */
const TOP_NAMES = [
  "__proto__",
  "_bsontype",
  "$x",
  "$set",
  "a.b",
  "constructor",
  "ключ",
  "😀",
  " ",
  "1",
  "toString",
];

for (const type of ["change", "mchange", "raw"] as const) {
  describe(`convert.type = ${type}`, () => {
    let s: Scenario;
    let run: Outcome;
    let documents: Map<string, Document>;

    beforeAll(async () => {
      s = await scenario();
      const items = VALUE_CASES.map(({ name, sent }) => ({ pk: { S: name }, v: sent }));
      const names = Object.fromEntries(TOP_NAMES.map((name) => [name, { S: name }]));
      const table = await s.table("values", { items: [...items, { ...names, pk: { S: "names" } }] });
      run = await s.cli({ "convert.type": type });
      const all = await s.documents(table);
      documents = new Map(
        all.map((document) => [type === "raw" ? document["pk"].S : document["pk"], document]),
      );
    });
    afterAll(() => s[Symbol.asyncDispose]());

    test("the run succeeds and copies every item once", () => {
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(documents.size).toBe(VALUE_CASES.length + 1);
    });

    test("verify says that all of it is equal", () =>
      expectVerified(s, VALUE_CASES.length + 1, { "convert.type": type }));

    test.each(VALUE_CASES.map((each) => [each.name, each] as const))("%s", (name, each) => {
      const { _id, pk, v, ...more } = documents.get(name)!;
      const plain = type === "change" ? each.change : each.mchange;
      const expected = type === "raw" ? (each.raw ?? each.sent) : plain;
      expect(typed(pk)).toEqual(typed(type === "raw" ? { S: name } : name));
      expect(comparable(each, v)).toEqual(comparable(each, expected));
      expect(more).toEqual({});
      expect(_id._bsontype).toBe("ObjectId");
    });

    test("attribute names are kept as they are", () => {
      const { _id, pk: _, ...fields } = documents.get("names")!;
      // the rest of a destructured document has its __proto__ too, being an own field
      const expected = TOP_NAMES.map((name) => [name, type === "raw" ? { S: name } : name]);
      expect(typed(fields)).toEqual(typed(Object.fromEntries(expected)));
    });
  });
}

/** Sets have no order, so their members are compared sorted; everything else exactly. */
function comparable(each: ValueCase, value: unknown): unknown {
  const tree = typed(value);
  if (!/\bset\b/.test(each.name)) return tree;
  return JSON.stringify(tree, (_, part: unknown) =>
    Array.isArray(part) && typeof part[0] === "string" && /^(string|int|double|decimal|binary)/.test(part[0])
      ? part.toSorted()
      : part,
  );
}

describe("numbers of more than 34 digits", () => {
  const digits = "98765432109876543210987654321098765555";

  test("round: to 34 digits, halves to even, and counted", async () => {
    await using s = await scenario();
    const table = await s.table("round", {
      items: [
        { pk: { S: "a" }, v: { N: digits } },
        { pk: { S: "b" }, v: { N: "12345678901234567890123456789012345" } },
        { pk: { S: "c" }, v: { N: "5" } },
      ],
    });
    const progress = await s.migrate({ "convert.number_overflow": "round" });
    const [a, b, c] = await s.documents(table);
    expect(typed(a?.["v"])).toBe("decimal 9.876543210987654321098765432109877E+37");
    // 1234567890123456789012345678901234|5: a half, and 4 is even
    expect(typed(b?.["v"])).toEqual(typed(decimal("1.234567890123456789012345678901234E+34")));
    expect(typed(c?.["v"])).toEqual(typed(int32(5)));
    expect(progress.tables.get(table)?.overflowed).toBe(2);
    await expectVerified(s, 3, { "convert.number_overflow": "round" });
  });

  test("string: counted, shown in the summary", async () => {
    await using s = await scenario();
    const table = await s.table("text", {
      items: [{ pk: { S: "a" }, v: { L: [{ N: digits }, { NS: [digits] }] } }],
    });
    const progress = await s.migrate();
    expect(typed((await s.documents(table))[0]?.["v"])).toEqual(typed([digits, [digits]]));
    await expectVerified(s, 1);
    expect(progress.tables.get(table)?.overflowed).toBe(2);
  });

  test("mchange: every number that lost digits is counted", async () => {
    await using s = await scenario();
    const lossy = ["9007199254740993", digits, "0.12345678901234567890"];
    const kept = ["9007199254740992", "0.1", "1e20", "0"];
    const table = await s.table("doubles", {
      items: [{ pk: { S: "a" }, v: { L: [...lossy, ...kept].map((N) => ({ N })) } }],
    });
    const progress = await s.migrate({ "convert.type": "mchange" });
    expect(progress.tables.get(table)?.overflowed).toBe(3);
    await expectVerified(s, 1, { "convert.type": "mchange" });
  });
});
