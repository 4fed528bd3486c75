/** What a Scan says of a table that changes while it is read. */
import { expect, test } from "bun:test";
import { createChangingTable } from "./changing-table.ts";
import type { StandInItem } from "./dynamodb.ts";

const item = (n: number): StandInItem => ({ pk: { N: String(n) } });

/** All pages of some segments, and what happens between two of them. */
function scanAll(table: ReturnType<typeof createChangingTable>, segments: number, between = (): void => {}) {
  const pages: StandInItem[][] = [];
  for (let Segment = 0; Segment < segments; Segment++) {
    let from: unknown;
    do {
      const request = {
        TotalSegments: segments,
        Segment,
        ...(from !== undefined && { ExclusiveStartKey: from }),
      };
      const page = table.scan(request, 4) as { Items: StandInItem[]; LastEvaluatedKey?: StandInItem };
      pages.push(page.Items);
      from = page.LastEvaluatedKey;
      between();
    } while (from !== undefined);
  }
  return pages;
}

test("every item once, in pages, whatever the number of segments", () => {
  const table = createChangingTable([["pk", "N"]]);
  for (let n = 0; n < 50; n++) table.set(table.textOf(item(n)), item(n));
  for (const segments of [1, 3]) {
    const found = scanAll(table, segments).flat();
    expect(found.map(({ pk }) => Number((pk as { N: string }).N)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, n) => n),
    );
  }
});

test("what is taken away leaves empty pages behind which others follow, and the last key need not be there any more", () => {
  const table = createChangingTable([["pk", "N"]]);
  for (let n = 0; n < 40; n++) table.set(table.textOf(item(n)), item(n));
  let pages = 0;
  const found = scanAll(table, 1, () => {
    if (++pages === 2) for (const text of table.items.keys()) table.set(text, undefined);
  });
  expect(found.slice(0, 2).map((page) => page.length)).toEqual([4, 4]);
  expect(found).toHaveLength(10);
  expect(found.slice(2).flat()).toEqual([]);
});
