/** What is written at the source: tables, items and changes of them, drawn. */
import type { Attributes } from "../e2e/helpers.ts";
import type { Random } from "./random.ts";

/** A table of a schedule. */
export interface TableShape {
  /** As the source knows it. */
  name: string;
  /** Name and type of the key's attributes, partition key first. */
  keys: readonly (readonly [name: string, type: "S" | "N" | "B"])[];
}

/** Those of every world: with a sort key, and with keys of the other types. */
export const SHAPES: readonly TableShape[] = [
  {
    name: "orders",
    keys: [
      ["pk", "S"],
      ["sk", "S"],
    ],
  },
  { name: "blobs", keys: [["pk", "B"]] },
  { name: "counters", keys: [["pk", "N"]] },
];

/** A change of one item. An update sets and takes away attributes, and makes the item where there is none. */
export type Change =
  | { do: "put"; table: TableShape; item: Attributes }
  | { do: "update"; table: TableShape; key: Attributes; set: Attributes; remove: string[] }
  | { do: "delete"; table: TableShape; key: Attributes };

/** Changes that are sent together, and how; no two of them are of one item. */
export interface Request {
  how: "single" | "batch" | "transaction";
  changes: Change[];
}

/** Keys of a table that are written to. */
const KEYS = 500;
/** That share of changes is of the first key. */
const HOT = 0.12;
/** That share of items is a thousand times as large as the others. */
const LARGE = 0.012;
const LARGE_TEXT = 60_000;
/** How many changes one request takes at most. */
const TOGETHER = 6;

/** The key's attributes of an item, as text that is the same for the same key. */
export function keyText({ keys }: TableShape, item: Attributes): string {
  return JSON.stringify(keys.map(([name]) => item[name]));
}

/** The so-many-th key of a table. */
export function keyAt({ keys }: TableShape, place: number): Attributes {
  const [partition, sort] = keys;
  const values = {
    S: `k${place}`,
    N: String(place * 7 - 1000),
    B: Buffer.from(`b${place}`).toString("base64"),
  };
  if (sort === undefined) return { [partition![0]]: { [partition![1]]: values[partition![1]] } };
  // several sort keys of each partition
  return {
    [partition![0]]: { S: `p${place % 40}` },
    [sort[0]]: { [sort[1]]: values[sort[1]] },
  };
}

/** How many keys a table has. */
export const keyCount = (): number => KEYS;

/** What a writer's lane needs to draw its changes. */
export interface Lane {
  random: Random;
  /** Which of how many: a key belongs to one lane, so that its changes have an order. */
  number: number;
  lanes: number;
  tables: readonly TableShape[];
  /** Whether an item is there. */
  has(table: TableShape, key: Attributes): boolean;
  /** A number that no other change has. */
  revision(): number;
}

/** Draws the next request of a lane. */
export function drawRequest(lane: Lane): Request {
  const { random } = lane;
  const how = random.pick(["single", "single", "single", "batch", "transaction"] as const);
  const count = how === "single" ? 1 : random.between(2, TOGETHER);
  const changes = new Map<string, Change>();
  for (let i = 0; i < count; i++) {
    const change = drawChange(lane, how !== "batch");
    const key = change.do === "put" ? change.item : change.key;
    changes.set(`${change.table.name} ${keyText(change.table, key)}`, change);
  }
  return { how, changes: [...changes.values()] };
}

/** @param mayUpdate a batch takes puts and deletes only */
function drawChange(lane: Lane, mayUpdate: boolean): Change {
  const { random, tables } = lane;
  const table = random.pick(tables);
  const place = random.chance(HOT) ? 0 : random.below(Math.floor(KEYS / lane.lanes));
  const key = keyAt(table, place * lane.lanes + lane.number);
  const what = random.below(10);
  const attributes = drawAttributes(random, lane.revision());
  if (what < 2 && lane.has(table, key)) return { do: "delete", table, key };
  if (what < 6 && mayUpdate) {
    const remove = ["hidden", "owner", "more"].filter((name) => !(name in attributes) && random.chance(0.3));
    return { do: "update", table, key, set: attributes, remove };
  }
  return { do: "put", table, item: { ...key, ...attributes } };
}

/** An item for every second key, as it is before anything is read. */
export function drawItem(table: TableShape, place: number, random: Random, revision: number): Attributes {
  return { ...keyAt(table, place), ...drawAttributes(random, revision) };
}

/** Attributes beside the key; the revision tells one change from all others. */
function drawAttributes(random: Random, revision: number): Attributes {
  const text = random.chance(LARGE) ? LARGE_TEXT : random.between(5, 100);
  return {
    rev: { N: String(revision) },
    text: { S: `${revision} `.padEnd(text, "abcdefghij") },
    ...(random.chance(0.7) && {
      owner: { S: `owner${random.below(9)}` },
      n: { N: String(random.below(1000)) },
    }),
    ...(random.chance(0.15) && { hidden: { BOOL: true } }),
    ...(random.chance(0.5) && { more: drawValue(random, 2) }),
    ...(random.chance(0.1) && { [random.pick(["$odd", "a.b", "größe"])]: drawValue(random, 0) }),
  };
}

/** A value of any type. Numbers are as the service gives them back: plain, without a zero too many. */
function drawValue(random: Random, depth: number): object {
  const digits = (count: number): string =>
    `${random.between(1, 9)}${Array.from({ length: count - 1 }, () => random.below(10)).join("")}`;
  const base64 = (): string => Buffer.from(digits(random.between(1, 30))).toString("base64");
  const number = (): string =>
    random.pick([
      () => String(random.between(-100_000, 100_000)),
      () => `-${digits(18)}`,
      () => digits(random.between(19, 34)),
      () => `${digits(3)}.${digits(random.between(1, 20))}7`,
    ])();
  const set = (member: () => string): string[] => [...new Set([member(), member(), member()])];
  const values: (() => object)[] = [
    () => ({ S: digits(random.between(1, 40)) }),
    () => ({ N: number() }),
    () => ({ B: base64() }),
    () => ({ BOOL: random.chance(0.5) }),
    () => ({ NULL: true }),
    () => ({ SS: set(() => digits(5)) }),
    () => ({ NS: set(number) }),
    () => ({ BS: set(base64) }),
    () => ({ L: [drawValue(random, depth - 1), drawValue(random, depth - 1)] }),
    () => ({ M: { [`m${random.below(3)}`]: drawValue(random, depth - 1), "": { S: "no name" } } }),
  ];
  return random.pick(depth > 0 ? values : values.slice(0, -2))();
}
