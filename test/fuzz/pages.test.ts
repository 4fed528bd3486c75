/** Scan's answers, broken in every way: both ways of a page agree on its documents or refuse it, and no item is left out. */
import { describe, expect } from "bun:test";
import fc from "fast-check";
import { MigrationError } from "../../core/errors.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Converter } from "../../core/plugin/roles.ts";
import type { Item, Page, SourceRecord } from "../../core/types.ts";
import { createDocumentWriter } from "../../plugins/_bson/document-writer.ts";
import change from "../../plugins/convert/change.ts";
import mchange from "../../plugins/convert/mchange.ts";
import raw from "../../plugins/convert/raw.ts";
import { scanPage } from "../../plugins/source/dynamodb-scan/scan-page.ts";
import { setUpConverter, testTable } from "../fakes/context.ts";
import { anyItem } from "../plugins/convert/any-item.ts";
import { WRITTEN } from "../plugins/convert/written.ts";
import { escaped, isObject, itemCheck, jsonOf } from "./attribute-values.ts";
import { codeOf, fuzz, type Outcome } from "./fuzzing.ts";
import { mangled, warped } from "./mutations.ts";

const TABLE = testTable("pk");
/** Where a generated `_id`'s 12 bytes stand. */
const GENERATED = { from: 9, to: 21 };
const PLUGINS: [name: string, plugin: Plugin][] = [
  ["change", change],
  ["mchange", mchange],
  ["raw", raw],
];

/** What a page has to become; undefined: it has to be refused. */
interface Expected {
  items: Item[];
  position: Item | undefined;
}

/** What a careful reader makes of an answer. */
function expectedOf(body: Buffer, isItem: ReturnType<typeof itemCheck>): Expected | undefined {
  const answer = jsonOf(body);
  if (!isObject(answer)) return undefined;
  const { Items: items, Count: count, LastEvaluatedKey: key } = answer;
  if (key !== undefined && key !== null && !isObject(key)) return undefined;
  const position = Object.keys(key ?? {}).length > 0 ? (key as Item) : undefined;
  if (!Array.isArray(items)) return count === 0 ? { items: [], position } : undefined;
  // What lacks the table's key is none of its items, and an attribute _id has no place without a prefix.
  const fit = items.every(
    (item) => isItem(item) && typeof item["pk"]?.S === "string" && !Object.hasOwn(item, "_id"),
  );
  return fit ? { items: items as Item[], position } : undefined;
}

const toRecord = (item: Item): SourceRecord => ({
  op: "put",
  event: "SCAN",
  keys: { pk: item["pk"]! },
  item,
  key: undefined,
  document: undefined,
});

function documentsOf(bytes: Uint8Array, ends: number[]): string[] {
  return ends.map((end, i) => {
    const document = Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end));
    document.fill(0, GENERATED.from, GENERATED.to);
    return document.toString("hex");
  });
}

function longWay(converter: Converter, page: Page): string[] {
  const { records } = page;
  converter.convert(records, TABLE);
  const writer = createDocumentWriter({ doubles: converter.numbers === "double", addId: true });
  const ends: number[] = [];
  for (const { document } of records) {
    try {
      ends.push((ends.at(-1) ?? 0) + writer.append(document!));
    } catch (error) {
      // The target names the item.
      if (error instanceof RangeError) throw new MigrationError("DATA_UNFIT", error.message);
      throw error;
    }
  }
  return documentsOf(writer.bytes(), ends);
}

/** Undefined: the page can't be encoded. */
function shortWay(converter: Converter, page: Page): string[] | undefined {
  const transcoder = converter.transcoder!({ phase: "full", table: TABLE, segment: 0, segments: 1 });
  const encoded = transcoder.append(page);
  if (encoded === undefined) return undefined;
  const { bytes, ends } = transcoder.take(encoded.items);
  return documentsOf(bytes, ends);
}

/** Reads a body both ways. */
function check(converter: Converter, body: Buffer): Outcome {
  const expected = expectedOf(body, itemCheck(converter.fieldPath({ name: "n", type: "N" }) === "n.N"));
  let page: Page;
  try {
    page = scanPage(body, ["pk"], toRecord);
  } catch (error) {
    expect((error as Error).name).toBe("MalformedAnswerError");
    expect(expected).toBeUndefined();
    return "asked for again";
  }
  const short = shortWay(converter, page);
  const written = escaped(body);
  // A long text is copied as it stands, with what JSON wants as an escape.
  if (short !== undefined && written !== body) {
    expect(short).toEqual(longWay(converter, scanPage(written, ["pk"], toRecord)));
    return "right, though unescaped";
  }
  let long: string[];
  try {
    long = longWay(converter, page);
  } catch (error) {
    expect(expected).toBeUndefined();
    expect(short).toBeUndefined();
    return codeOf(error);
  }
  expect(expected).toBeDefined();
  expect(page.position).toEqual(expected!.position);
  expect(page.records.map(({ item }) => item!)).toEqual(expected!.items);
  if (short !== undefined) expect(short).toEqual(long);
  return short === undefined ? "right, by way of records" : "right";
}

const member = fc.constantFrom(
  "",
  '"Extra":{"Items":[]},',
  '"ConsumedCapacity":{"TableName":"t","CapacityUnits":1.5},',
);
const lastKey = fc.constantFrom(undefined, '"LastEvaluatedKey":{"pk":{"S":"a"}}', '"LastEvaluatedKey":null');
const blank = fc.constantFrom("", "", "", " ", "\n");

/** Answers as some server may write them: members in any order, with others between. */
const anyBody = fc
  .record({
    items: fc.array(anyItem, { maxLength: 3 }),
    encode: fc.constantFrom(...WRITTEN.map(([, encode]) => encode)),
    key: lastKey,
    order: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
    extra: member,
    blank,
  })
  .map(({ items, encode, key, order, extra, blank: gap }) => {
    const members = [`"Count":${items.length}`, `"Items":${gap}${encode(items)}`, ...(key ? [key] : [])];
    const ordered = order.filter((i) => i < members.length).map((i) => members[i]);
    return Buffer.from(`{${extra}${ordered.join(`,${gap}`)}}`);
  });

describe.each(PLUGINS)("a page's %s", (name, plugin) => {
  const setUp = setUpConverter(plugin);

  fuzz(`pages of any layout, ${name}`, {
    inputs: anyBody,
    runs: 100,
    check: async (body) => check(await setUp, body),
    sees: ["right", "right, by way of records"],
  });

  fuzz(`pages with broken bytes, ${name}`, {
    inputs: mangled(anyBody),
    runs: 300,
    check: async (body) => check(await setUp, body),
    sees: ["right", "asked for again", "DATA_UNFIT"],
  });

  fuzz(`pages with other members, ${name}`, {
    inputs: warped(
      fc.record({
        Count: fc.constant(1),
        Items: fc.array(anyItem, { maxLength: 2 }),
        Other: fc.constant({}),
      }),
    ),
    runs: 300,
    check: async (answer) => check(await setUp, Buffer.from(JSON.stringify(answer))),
    sees: ["right", "asked for again", "DATA_UNFIT"],
  });
});
