/** What a sample's items are made of. */
import { expect, test } from "bun:test";
import { createAttributeCount } from "../../../core/check/attributes.ts";
import type { Item } from "../../../core/types.ts";

const wide = "1".repeat(38);

test("types, shares, mixed ones and wide numbers at any depth", () => {
  const count = createAttributeCount();
  const items: Item[] = [
    { pk: { S: "1" }, n: { N: wide }, deep: { L: [{ M: { x: { NS: [wide, "1"] } } }, { N: wide }] } },
    { pk: { S: "2" }, n: { S: "x" } },
    { pk: { S: "3" }, n: { NULL: true }, ["__proto__"]: { N: "1".padEnd(60, "0") } },
    { pk: { S: "4" } },
  ];
  for (const item of items) count.add(item);
  const found = new Map(count.list().map(({ name, ...rest }) => [name, rest]));
  expect(found.get("pk")).toEqual({ share: 1, types: { S: 4 }, isMixed: false, wideNumbers: 0 });
  expect(found.get("n")).toEqual({
    share: 0.75,
    types: { N: 1, S: 1, NULL: 1 },
    isMixed: true,
    wideNumbers: 1,
  });
  expect(found.get("deep")).toMatchObject({ types: { L: 1 }, wideNumbers: 2 });
  // One digit and 59 zeros.
  expect(found.get("__proto__")).toMatchObject({ wideNumbers: 0 });
  expect(count.list()[0]!.name).toBe("pk");
});

test("names that are data are counted, and not kept without end", () => {
  const count = createAttributeCount();
  for (let i = 0; i < 1200; i++) count.add({ pk: { S: "x" }, [`n${i}`]: { S: "x" } });
  expect(count.list()).toHaveLength(1000);
  expect(count.others).toBe(201);
});
