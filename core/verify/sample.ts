/** Some keys of a table, the same ones each time as long as the table stays the same. */
import { hash } from "node:crypto";
import { inLanes } from "../flow/read-ahead.ts";
import type { FairSemaphore } from "../flow/semaphore.ts";
import { readPages } from "../full/read-pages.ts";
import type { Context } from "../plugin/context.ts";
import { keyText } from "../schema/keys.ts";
import type { Item, SegmentUnit, SourceRecord, Table } from "../types.ts";

/** How many: a number of items, or a share of them from 0 to 1. */
export type Sample = { count: number } | { share: number };

/** A table of so many items is read in part, a segment whole or not at all; a smaller one is read whole. */
const LARGE = 20_000;
const SEGMENTS = 1000;
const HASHES = 2 ** 32;

/** Draws keys, some at a time. */
export async function* sampleKeys(
  ctx: Context,
  table: Table,
  sample: Sample,
  readers: FairSemaphore,
): AsyncGenerator<Item[]> {
  if (table.itemCount < LARGE) {
    const units = ctx.role("source").units(table, 1);
    yield* "share" in sample
      ? byShare(ctx, units, readers, sample.share)
      : byHash(ctx, units, readers, sample.count);
    return;
  }
  const units = shuffled(ctx.role("source").units(table, SEGMENTS));
  if ("share" in sample) {
    for await (const records of pages(ctx, units.slice(0, Math.ceil(sample.share * units.length)), readers))
      yield keysOf(records);
    return;
  }
  let left = sample.count;
  for await (const records of pages(ctx, units, readers)) {
    yield keysOf(records).slice(0, left);
    left -= records.length;
    if (left <= 0) return;
  }
}

/** Those whose hash is below the share. */
async function* byShare(
  ctx: Context,
  units: SegmentUnit[],
  readers: FairSemaphore,
  share: number,
): AsyncGenerator<Item[]> {
  for await (const records of pages(ctx, units, readers)) {
    yield keysOf(records).filter((key) => hashOf(keyText(key, units[0]!.table)) < share * HASHES);
  }
}

/** Those with the smallest hashes. */
async function* byHash(
  ctx: Context,
  units: SegmentUnit[],
  readers: FairSemaphore,
  count: number,
): AsyncGenerator<Item[]> {
  let best: { order: number; key: Item }[] = [];
  for await (const records of pages(ctx, units, readers)) {
    best.push(...keysOf(records).map((key) => ({ order: hashOf(keyText(key, units[0]!.table)), key })));
    if (best.length > 2 * count) best = smallest(best, count);
  }
  yield smallest(best, count).map(({ key }) => key);
}

function smallest(keys: { order: number; key: Item }[], count: number): { order: number; key: Item }[] {
  return keys.toSorted((a, b) => a.order - b.order).slice(0, count);
}

async function* pages(
  ctx: Context,
  units: SegmentUnit[],
  readers: FairSemaphore,
): AsyncGenerator<SourceRecord[]> {
  const memory = ctx.memory.unit("pages");
  try {
    for (const unit of units) {
      const read = readPages(ctx, unit, undefined, memory, () => 1);
      for await (const { page, room, leave } of inLanes(read, readers, unit.table.name)) {
        yield page.records;
        room.release();
        leave();
      }
    }
  } finally {
    memory.close();
  }
}

const keysOf = (records: SourceRecord[]): Item[] => records.map(({ keys }) => keys);

/** In an order that is the same each time, and has nothing to do with the places of the segments. */
function shuffled(units: SegmentUnit[]): SegmentUnit[] {
  const order = (unit: SegmentUnit): number => hashOf(`${unit.table.name} ${unit.segment}`);
  return units.toSorted((a, b) => order(a) - order(b));
}

function hashOf(text: string): number {
  return Number.parseInt(hash("sha1", text).slice(0, 8), 16);
}
