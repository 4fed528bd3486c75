/** Which privileges allow what. */
import { expect, test } from "bun:test";
import { isGranted, type Privilege } from "../../../plugins/_mongodb/privileges.ts";

const on = (resource: Privilege["resource"], ...actions: string[]): Privilege => ({ resource, actions });

test.each<[string, Privilege[], boolean]>([
  ["nothing", [], false],
  ["another action", [on({ db: "app", collection: "" }, "find")], false],
  ["the database", [on({ db: "app", collection: "" }, "insert", "find")], true],
  ["another database", [on({ db: "other", collection: "" }, "insert")], false],
  ["all databases", [on({ db: "", collection: "" }, "insert")], true],
  ["everything", [on({ anyResource: true }, "insert")], true],
  ["the cluster", [on({}, "insert")], false],
  ["one of two collections", [on({ db: "app", collection: "a" }, "insert")], false],
  [
    "both collections, by two roles",
    [on({ db: "app", collection: "a" }, "insert"), on({ db: "", collection: "b" }, "insert")],
    true,
  ],
])("inserting into two collections, granted on %s", (_, privileges, expected) => {
  const need = { action: "insert", database: "app", collections: ["a", "b"] };
  expect(isGranted(privileges, need)).toBe(expected);
});

test("what is needed on a database isn't granted by a collection", () => {
  const need = { action: "listCollections", database: "app" };
  expect(isGranted([on({ db: "app", collection: "a" }, "listCollections")], need)).toBe(false);
  expect(isGranted([on({ db: "app", collection: "" }, "listCollections")], need)).toBe(true);
});
