/** A sample of a table: from all over it, no more than is asked for, and what a copy would make of it. */
import { expect, test } from "bun:test";
import { unfit } from "../../../core/schema/unfit.ts";
import type { Page, SourceRecord, Table } from "../../../core/types.ts";
import { checked } from "../../fakes/check.ts";
import { numbered, testTable } from "../../fakes/context.ts";

const PAGE = 10;

/** A source of tables with so many items each, that tells which segments were asked for how much. */
function counting(items: number) {
  const asked: { segment: number; limit: number; consistent: boolean }[] = [];
  return {
    asked,
    units: (table: Table, count = 1) =>
      Array.from({ length: count }, (_, segment) => ({
        phase: "full" as const,
        table,
        segment,
        segments: count,
      })),
    async *read(
      unit: { segment: number; segments: number; table: Table },
      options: { beforeRequest: (r: object) => Promise<void> },
    ) {
      const from = Math.floor((unit.segment * items) / unit.segments);
      const to = Math.floor(((unit.segment + 1) * items) / unit.segments);
      for (let at = from; at < to;) {
        const request = { Limit: PAGE, ConsistentRead: true };
        await options.beforeRequest(request);
        asked.push({ segment: unit.segment, limit: request.Limit, consistent: request.ConsistentRead });
        const records = numbered(unit.table, at, Math.min(request.Limit, to - at));
        at += records.length;
        const position = at < to ? { pk: { S: String(at) } } : undefined;
        yield { records, position, bytes: 4096 * records.length } satisfies Page;
      }
    },
  };
}

const table = (itemCount: number): Table =>
  testTable("pk", undefined, { itemCount, sizeBytes: itemCount * 100 });

test("a number of items comes from all over the table, and no more are asked for", async () => {
  const source = counting(100_000);
  const { plan } = await checked({ tables: [table(100_000)], source, options: { profile: { count: 100 } } });
  const { profile } = plan.tables[0]!;
  expect(profile).toMatchObject({ items: 100, kept: 100, readUnits: 50 });
  expect(new Set(source.asked.map(({ segment }) => Math.floor(segment / 50))).size).toBe(20);
  expect(source.asked.every(({ limit, consistent }) => limit === 5 && !consistent)).toBe(true);
});

test.each([
  [100_000, 0.01, 1000],
  [50, 0.1, 5],
  [50, 1, 50],
])("of %d items a share of %d are %d", async (items, share, expected) => {
  const source = counting(items);
  const { plan } = await checked({ tables: [table(items)], source, options: { profile: { share } } });
  expect(plan.tables[0]!.profile!.items).toBe(expected);
});

test("a table that is smaller than the sample is read whole", async () => {
  const { plan } = await checked({
    tables: [table(30)],
    source: counting(30),
    options: { profile: { count: 500 } },
  });
  expect(plan.tables[0]!.profile!.items).toBe(30);
});

test("without it nothing is read", async () => {
  const source = counting(30);
  const { plan } = await checked({ tables: [table(30)], source });
  expect(plan.tables[0]!.profile).toBeNull();
  expect(source.asked).toEqual([]);
});

test("what a run would end with is found one by one, and the others count", async () => {
  const convert = (records: SourceRecord[], of: Table): { overflowed: number } => {
    for (const record of records) {
      if (["7", "13"].includes(record.keys["pk"]!.S!)) throw unfit("it can't be had", record, of);
      record.key = { pk: record.keys["pk"] };
      record.document = { ...record.item };
    }
    return { overflowed: records.length };
  };
  const { plan } = await checked({
    tables: [table(20)],
    source: counting(20),
    convert: { convert, fieldPath: ({ name }) => name },
    options: { profile: { share: 1 } },
  });
  expect(plan.tables[0]!.profile).toMatchObject({ items: 20, kept: 18, overflowed: 18, unfit: { count: 2 } });
  expect(plan.problems).toMatchObject([
    {
      code: "DATA_UNFIT",
      message:
        '2 of 20 items of the sample would end the run, the first one: it can\'t be had: table t, key {"pk":{"S":"7"}}',
      refuses: true,
    },
  ]);
});
