/** Indexes of a wrong shape, as a plugin may leave them. */
import { expect, test } from "bun:test";
import { checkIndexShapes } from "../../../core/schema/index-shape.ts";
import { testTable } from "../../fakes/context.ts";

const FIELDS = [{ path: "a.b", kind: "ascending" }];
const GOOD = { fields: FIELDS, unique: false, origin: "user" };

test.each<[unknown, string]>([
  [{}, "indexes is no list"],
  [[GOOD, null], "indexes[1] is no object"],
  [[{ key: { a: 1 } }], "indexes[0] has no list of fields"],
  [[{ ...GOOD, fields: { a: 1 } }], "indexes[0] has no list of fields"],
  [[{ ...GOOD, fields: [] }], "indexes[0] has no list of fields"],
  [[{ ...GOOD, fields: [...FIELDS, "b"] }], "indexes[0] has no path in fields[1]"],
  [
    [{ ...GOOD, fields: [{ path: "a", kind: 1 }] }],
    "indexes[0] has no kind, ascending or hashed, in fields[0]",
  ],
  [[{ fields: FIELDS, origin: "user" }], "indexes[0] has no unique, true or false"],
  [[{ fields: FIELDS, unique: true }], "indexes[0] has no origin, primary or user"],
])("%j", (indexes, says) => {
  expect(() => checkIndexShapes(indexes, testTable("pk"))).toThrow(
    expect.objectContaining({
      code: "HOOK_FAILED",
      message: `after the index:before hooks ${says}: table t`,
      hint: expect.stringContaining('fields: [{ path: "a.b", kind: "ascending" }]'),
    }),
  );
});

test("none, and good ones, are passed", () => {
  checkIndexShapes([], testTable("pk"));
  checkIndexShapes(
    [GOOD, { fields: [{ path: "x", kind: "hashed" }], unique: true, origin: "primary" }],
    testTable("pk"),
  );
});
