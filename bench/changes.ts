/**
 * The changes that a stream has, the same ones for the source and for the floor. All insert; or of ten records five insert, four modify
 * and one removes items of some thousand records before, so that a key's changes lie in different answers.
 */
import { type Block, cut, sizeOf } from "./orders.ts";

/** One change. */
export interface Change {
  event: "INSERT" | "MODIFY" | "REMOVE";
  /** Number of the item. */
  item: number;
}

const GROUP = 10;
const INSERTS = 5;
const MODIFIES = 4;
/** So many groups later items are modified and removed. */
const LATER = 2_000;

/** Record number `at`. */
export function changeAt(at: number, mix: boolean): Change {
  if (!mix) return { event: "INSERT", item: at };
  const group = Math.floor(at / GROUP);
  const place = at % GROUP;
  if (place < INSERTS) return { event: "INSERT", item: group * INSERTS + place };
  // The first groups have nothing before them, and modify what they have put.
  const isFirst = group < LATER;
  const item = (isFirst ? group : group - LATER) * INSERTS + (place - INSERTS);
  return { event: isFirst || place < INSERTS + MODIFIES ? "MODIFY" : "REMOVE", item };
}

/** Items that are there when all of so many records are applied. */
export function itemsLeft(records: number, mix: boolean): number {
  let left = 0;
  for (let at = 0; at < records; at++) {
    const { event } = changeAt(at, mix);
    left += event === "INSERT" ? 1 : event === "REMOVE" ? -1 : 0;
  }
  return left;
}

/** An item as it is after a change: a modified one has the body of the next. */
export function imageOf(orders: Block, { event, item }: Change): Buffer {
  if (event === "INSERT") return cut(orders, item, item + 1).bytes;
  const body = (item + 1) % orders.bodies;
  const from = orders.starts[body] ?? 0;
  const image = Buffer.from(orders.bytes.subarray(from, from + sizeOf(orders, body)));
  orders.patch(image, 0, item);
  return image;
}
