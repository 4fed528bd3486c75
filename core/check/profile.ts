/** `check --profile`: a sample of a table, from all over it, and what a copy would make of it. */
import { type ErrorCode, MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import { convertOnce } from "../stages/convert.ts";
import type { Item, SegmentUnit, SourceRecord, Table } from "../types.ts";
import { keyOfItem } from "../verify/look.ts";
import type { Sample } from "../verify/sample.ts";
import { type AttributeProfile, createAttributeCount } from "./attributes.ts";

/** A segment of about so many items at least: each costs a request. */
const SEGMENT_ITEMS = 100;
const MOST_SEGMENTS = 1000;
/** A number of items is taken from so many places of the table. */
const PLACES = 20;
/** Of a table whose size the source doesn't know a share is no more than so many items. */
const UNKNOWN = 10_000;
const LARGEST = 5;
const UNIT_BYTES = 4096;

/** What was found in a table's sample. */
export interface TableProfile {
  items: number;
  /** Of them, those that plugins leave. */
  kept: number;
  /** What reading them has cost, about: eventually consistent. */
  readUnits: number;
  attributes: AttributeProfile[];
  /** How often further attributes came, of names beyond the first 1,000. */
  otherAttributes: number;
  /** The keys of the largest, with their sizes in bytes: as DynamoDB JSON, and as they would be stored. */
  largest: { key: Item; bytes: number; storedBytes: number | null }[];
  averageBytes: number;
  averageStoredBytes: number | null;
  /** Numbers that the configured conversion doesn't hold exactly. */
  overflowed: number;
  /** Items that would end a run, and what the first one would end it with. */
  unfit: { count: number; first: { code: ErrorCode; message: string; hint: string | null } } | null;
}

/** Reads a sample of a table. */
export async function profileTable(ctx: Context, table: Table, sample: Sample): Promise<TableProfile> {
  const attributes = createAttributeCount();
  const profile: TableProfile = {
    items: 0,
    kept: 0,
    readUnits: 0,
    attributes: [],
    otherAttributes: 0,
    largest: [],
    averageBytes: 0,
    averageStoredBytes: null,
    overflowed: 0,
    unfit: null,
  };
  let [bytes, stored] = [0, 0];
  for await (const { unit, records, received } of pagesOf(ctx, table, sample)) {
    profile.readUnits += Math.max(1, Math.ceil(received / UNIT_BYTES)) / 2;
    const sizes = await storedSizes(ctx, unit, records, profile);
    for (const { item = {}, keys } of records) {
      attributes.add(item);
      const size = Buffer.byteLength(JSON.stringify(item));
      const storedSize = sizes.get(JSON.stringify(keys));
      profile.items++;
      bytes += size;
      stored += storedSize ?? 0;
      const entry = { key: keyOfItem(item, table), bytes: size, storedBytes: storedSize ?? null };
      profile.largest = [...profile.largest, entry].toSorted((a, b) => b.bytes - a.bytes).slice(0, LARGEST);
    }
  }
  profile.attributes = attributes.list();
  profile.otherAttributes = attributes.others;
  profile.averageBytes = Math.round(bytes / Math.max(1, profile.items));
  if (stored > 0) profile.averageStoredBytes = Math.round(stored / Math.max(1, profile.kept));
  return profile;
}

interface SampledPage {
  unit: SegmentUnit;
  records: SourceRecord[];
  /** Bytes. */
  received: number;
}

/** The first items of segments, or all items of a share of the segments. */
async function* pagesOf(ctx: Context, table: Table, sample: Sample): AsyncGenerator<SampledPage> {
  const count = Math.min(MOST_SEGMENTS, Math.max(1, Math.floor(table.itemCount / SEGMENT_ITEMS)));
  const all = spread(ctx.role("source").units(table, count));
  const units = "share" in sample ? all.slice(0, Math.ceil(sample.share * all.length)) : all.slice(0, PLACES);
  const most =
    "count" in sample
      ? sample.count
      : table.itemCount === 0
        ? UNKNOWN
        : sampleOfOne(all, table, sample.share);
  let left = most;
  for (const [i, unit] of units.entries()) {
    // What one segment hasn't, the others give.
    let here = "count" in sample ? Math.ceil(left / (units.length - i)) : left;
    for await (const page of ctx.role("source").read(unit, {
      from: undefined,
      signal: ctx.signal,
      async beforeRequest(request) {
        await ctx.call("fetch:before", { phase: "full", table, unit, request });
        limited(request, here);
      },
    })) {
      const records = page.records.slice(0, here);
      here -= records.length;
      left -= records.length;
      yield { unit, records, received: page.bytes };
      if (here <= 0) break;
    }
    if (left <= 0) return;
  }
}

/** A table of one segment is read in part by the number of its items. */
function sampleOfOne(units: SegmentUnit[], { itemCount }: Table, share: number): number {
  return units.length === 1 ? Math.ceil(share * itemCount) : Infinity;
}

/** A Scan's request that costs as little as can be; another source's stays as it is. */
function limited(request: object, most: number): void {
  const scan = request as { Limit?: number; ConsistentRead?: boolean };
  if (scan.Limit !== undefined) scan.Limit = Math.max(1, Math.min(scan.Limit, most));
  if (scan.ConsistentRead !== undefined) scan.ConsistentRead = false;
}

/** In an order in which the first ones are all over the table. */
function spread(units: SegmentUnit[]): SegmentUnit[] {
  const step = Math.max(1, Math.floor(units.length / PLACES));
  return Array.from({ length: step }, (_, from) => units.filter((_, i) => i % step === from)).flat();
}

/** By key how many bytes the documents of records have that hooks leave; what can't be converted is counted. */
async function storedSizes(
  ctx: Context,
  unit: SegmentUnit,
  records: SourceRecord[],
  profile: TableProfile,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  try {
    // Hooks edit records in place.
    const converted = await convertOnce(ctx, unit, structuredClone(records));
    const encoded = ctx.role("target").stored?.encode(unit, converted.records);
    profile.kept += converted.records.length;
    profile.overflowed += converted.overflowed;
    converted.records.forEach(({ keys }, i) => {
      if (encoded) sizes.set(JSON.stringify(keys), encoded.ends[i]! - (encoded.ends[i - 1] ?? 0));
    });
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    if (records.length > 1) {
      const half = records.length >> 1;
      for (const some of [records.slice(0, half), records.slice(half)]) {
        for (const [key, size] of await storedSizes(ctx, unit, some, profile)) sizes.set(key, size);
      }
      return sizes;
    }
    const { code, message, hint = null } = error;
    profile.unfit ??= { count: 0, first: { code, message, hint } };
    profile.unfit.count++;
  }
  return sizes;
}
