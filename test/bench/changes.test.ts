/** The benchmark's changes: what they leave, and the order of a key's. */
import { describe, expect, test } from "bun:test";
import { type Change, changeAt, imageOf, itemsLeft } from "../../bench/changes.ts";
import { jsonBlock } from "../../bench/orders.ts";

describe.each([
  ["all insert", false, 5_000],
  ["modify and remove too, hardly begun", true, 7],
  ["modify and remove too", true, 45_003],
])("%s", (_what, mix, records) => {
  test("a key is inserted first and once, and nothing comes behind its removal", () => {
    const last = new Map<number, Change["event"]>();
    for (let at = 0; at < records; at++) {
      const { event, item } = changeAt(at, mix);
      if (event === "INSERT") expect(last.has(item)).toBeFalse();
      else expect(["INSERT", "MODIFY"]).toContain(last.get(item)!);
      last.set(item, event);
    }
    const left = [...last.values()].filter((event) => event !== "REMOVE");
    expect(itemsLeft(records, mix)).toBe(left.length);
    if (records > 40_000) expect(new Set(last.values())).toEqual(new Set(["INSERT", "MODIFY", "REMOVE"]));
  });
});

test("a modified item keeps its key and is another one", () => {
  const orders = jsonBlock();
  const [inserted, modified] = (["INSERT", "MODIFY"] as const).map(
    (event) =>
      JSON.parse(imageOf(orders, { event, item: 4_999 }).toString().replace(/,$/, "")) as { pk: object },
  );
  expect(modified!.pk).toEqual(inserted!.pk);
  expect(modified).not.toEqual(inserted);
});
