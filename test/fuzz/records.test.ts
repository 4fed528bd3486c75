/** GetRecords' answers, broken in every way: both ways of a change agree on it or refuse it, and no shard ends by mistake. */
import { describe, expect } from "bun:test";
import fc from "fast-check";
import { MigrationError } from "../../core/errors.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Converter } from "../../core/plugin/roles.ts";
import type { Item, SourceRecord, TargetDocument } from "../../core/types.ts";
import { createDocumentWriter } from "../../plugins/_bson/document-writer.ts";
import change from "../../plugins/convert/change.ts";
import raw from "../../plugins/convert/raw.ts";
import { newOf, type RecordsPage, recordsPage } from "../../plugins/source/dynamodb-streams/records-page.ts";
import { setUpConverter, testTable } from "../fakes/context.ts";
import { anyItem } from "../plugins/convert/any-item.ts";
import { WRITTEN } from "../plugins/convert/written.ts";
import { escaped, isObject, itemCheck, jsonOf } from "./attribute-values.ts";
import { codeOf, fuzz, type Outcome } from "./fuzzing.ts";
import { mangled, warped } from "./mutations.ts";

const TABLE = testTable("pk");
const LATEST = 8.64e15;

/** A change at the target: the filter that finds its document, and the document. */
interface Written {
  event: string;
  filter: string;
  document: string;
}

/** Whether a careful reader would take the answer. */
function isFit(answer: unknown, isItem: ReturnType<typeof itemCheck>): boolean {
  if (!isObject(answer) || !Array.isArray(answer["Records"])) return false;
  const iterator = answer["NextShardIterator"] ?? "";
  return typeof iterator === "string" && answer["Records"].every((each) => isFitRecord(each, isItem));
}

function isFitRecord(record: unknown, isItem: ReturnType<typeof itemCheck>): boolean {
  if (!isObject(record) || !isObject(record["dynamodb"])) return false;
  const event = record["eventName"];
  const { Keys: keys, NewImage: item, SequenceNumber: number, ...more } = record["dynamodb"];
  const seconds = more["ApproximateCreationDateTime"] ?? 0;
  if (more["ApproximateCreationDateTime"] === null) return false;
  return (
    ["INSERT", "MODIFY", "REMOVE"].includes(event as string) &&
    (event === "REMOVE") === (item === undefined) &&
    isObject(keys) &&
    isItem({ pk: keys["pk"] }) &&
    typeof (keys as Item)["pk"]!.S === "string" &&
    (item === undefined || (isItem(item) && !Object.hasOwn(item, "_id"))) &&
    typeof number === "string" &&
    /^\d+$/.test(number) &&
    typeof seconds === "number" &&
    Math.abs(seconds * 1000) <= LATEST
  );
}

function hex(converter: Converter, document: TargetDocument | undefined): string {
  if (document === undefined) return "";
  const writer = createDocumentWriter({ doubles: converter.numbers === "double", addId: false });
  try {
    writer.append(document);
  } catch (error) {
    // The target names the item.
    if (error instanceof RangeError) throw new MigrationError("DATA_UNFIT", error.message);
    throw error;
  }
  return Buffer.from(writer.bytes()).toString("hex");
}

function longWay(converter: Converter, records: SourceRecord[]): Written[] {
  converter.convert(records, TABLE);
  return records.map(({ event, key, document }) => ({
    event,
    filter: hex(converter, key),
    document: hex(converter, document),
  }));
}

/** Undefined: the page can't be encoded. */
function shortWay(converter: Converter, { changes }: RecordsPage): Written[] | undefined {
  const unit = { phase: "incr", table: TABLE, shard: "s" } as const;
  const found = changes && converter.changes!(unit)!.encode(changes);
  return found?.changes.map(({ event, key, bytes, start, end }) => ({
    event,
    filter: Buffer.from(key, "latin1").toString("hex"),
    document: Buffer.from(bytes.subarray(start, end)).toString("hex"),
  }));
}

/** Reads a body both ways. */
function check(converter: Converter, body: Buffer): Outcome {
  const isItem = itemCheck(converter.fieldPath({ name: "n", type: "N" }) === "n.N");
  const answer = jsonOf(escaped(body)) as { NextShardIterator?: string; Records: object[] };
  const fit = isFit(answer, isItem);
  let page: RecordsPage;
  try {
    page = recordsPage(body);
  } catch (error) {
    expect((error as Error).name).toBe("MalformedAnswerError");
    if (escaped(body) === body) expect(fit && hasOldImages(answer)).toBe(false);
    return "asked for again";
  }
  const short = shortWay(converter, page);
  let long: Written[];
  try {
    long = longWay(converter, newOf(page).records);
  } catch (error) {
    if (short === undefined) expect(fit && hasOldImages(answer) && escaped(body) === body).toBe(false);
    else expect(fit && (!hasOldImages(answer) || escaped(body) !== body)).toBe(true);
    return short === undefined ? codeOf(error) : `right, and as a record ${codeOf(error)}`;
  }
  expect(fit && hasOldImages(answer)).toBe(true);
  expect(page.iterator).toEqual(answer.NextShardIterator ?? undefined);
  expect(long.length).toBe(answer.Records.length);
  if (short !== undefined) expect(short).toEqual(long);
  return short === undefined ? "right, by way of records" : "right";
}

/** Whether all old images are some: the short way never looks at them. */
function hasOldImages(answer: unknown): boolean {
  const records = isObject(answer) ? answer["Records"] : undefined;
  return (
    !Array.isArray(records) ||
    records.every((each: { dynamodb?: { OldImage?: unknown } } | null) =>
      isObject(each?.dynamodb?.OldImage ?? {}),
    )
  );
}

const record = fc
  .record({
    item: anyItem,
    old: fc.boolean(),
    event: fc.constantFrom("INSERT", "MODIFY", "REMOVE"),
    n: fc.nat(),
  })
  .map(({ item, old, event, n }) => ({
    eventID: "1",
    eventName: event,
    dynamodb: {
      ApproximateCreationDateTime: 1_700_000_000,
      Keys: { pk: item["pk"]! } as Item,
      ...(event !== "REMOVE" && { NewImage: item }),
      ...(old && { OldImage: item }),
      SequenceNumber: String(n),
      SizeBytes: 10,
    },
  }));
const answer = fc.record({
  Records: fc.array(record, { maxLength: 3 }),
  NextShardIterator: fc.constantFrom("next", "n\\/xt", null),
});
const anyBody = fc
  .tuple(answer, fc.constantFrom(...WRITTEN.map(([, encode]) => encode)), fc.constantFrom(0, 0, 0, 1))
  .map(([value, encode, blanks]) =>
    Buffer.from(blanks === 0 ? JSON.stringify(value) : JSON.stringify(JSON.parse(encode(value)), null, 1)),
  );

describe.each([
  ["change", change],
  ["raw", raw],
] as [string, Plugin][])("changes by %s", (name, plugin) => {
  const setUp = setUpConverter(plugin);

  fuzz(`changes of any layout, ${name}`, {
    inputs: anyBody,
    runs: 100,
    check: async (body) => check(await setUp, body),
    sees: ["right", "right, by way of records"],
  });

  fuzz(`changes with broken bytes, ${name}`, {
    inputs: mangled(anyBody),
    runs: 300,
    check: async (body) => check(await setUp, body),
    sees: ["right", "asked for again"],
  });

  fuzz(`changes with other members, ${name}`, {
    inputs: warped(answer),
    runs: 300,
    check: async (value) => check(await setUp, Buffer.from(JSON.stringify(value))),
    sees: ["right", "asked for again", "DATA_UNFIT"],
  });
});
