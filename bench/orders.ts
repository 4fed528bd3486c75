/**
 * The benchmark's data: orders of about 0.7 KB, or smaller or larger ones, the same ones in DynamoDB JSON for the source and in BSON for
 * the floor. A few thousand distinct bodies are repeated with fresh keys, so any number of items costs no memory.
 */
import { BSON, Decimal128, Int32, Long, ObjectId } from "mongodb";

/** One attribute value as DynamoDB sends it; only the kinds that orders have. */
type Value =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  | { NULL: true }
  | { SS: string[] }
  | { M: Item }
  | { L: Value[] };
type Item = Record<string, Value>;

/** The one table, at the source and (as a collection) at both targets. */
export const TABLE = "bench";
/** The table's primary key: a string and a number. */
export const KEYS = { partition: "pk", sort: "sk" };
/** Global secondary indexes the table can have, all string keys. */
export const INDEXES: (typeof KEYS)[] = [
  { partition: "status", sort: "created" },
  { partition: "email", sort: "created" },
];

/** Sizes of an item: about 120 bytes, 0.7 KB, 10 KB, and 400 KB, the most that DynamoDB holds. */
export const SHAPES = ["small", "medium", "large", "huge"] as const;
export type Shape = (typeof SHAPES)[number];

/** Distinct bodies; more would make caches of this machine, not the tool, the subject. */
const BODIES: Record<Shape, number> = { small: 5_000, medium: 5_000, large: 500, huge: 16 };
/** Order lines of an item. */
const LINES: Record<Shape, number> = { small: 0, medium: 2, large: 100, huge: 4_000 };
/** Orders of one customer follow each other, as a partition's items do in a Scan. */
const ORDERS_PER_CUSTOMER = 10;
const CUSTOMERS = 10_000_000;
/** Sort keys start here, and stay int32 and ten digits wide whatever the number of items. */
const FIRST_ORDER = 1_700_000_000;
/** More would leave the width of the keys. */
export const MAX_ITEMS = 100_000_000;

const CITIES = ["München", "Hamburg", "Lyon", "Kraków", "Porto", "Göteborg", "Utrecht", "Brno"];
const STREETS = ["Lindenallee", "Rue de la Gare", "Długa", "Rua das Flores", "Kungsgatan", "Oudegracht"];
const PEOPLE = [
  "anna.schmidt",
  "jean.dupont",
  "maria.silva",
  "lars.svensson",
  "piotr.nowak",
  "eva.dvorakova",
];
const GOODS = ["Kettle, stainless steel", "Desk lamp", "Notebook A5, dotted", "Wool blanket", "Bicycle pump"];
const STATES = ["NEW", "PAID", "PACKED", "SHIPPED", "DELIVERED", "RETURNED"];
const TAGS = ["express", "gift", "fragile", "preorder", "b2b", "insured"];

/** The partition key's number of item `index`; the factor scatters partitions as DynamoDB's hash does. */
const customer = (index: number): number =>
  (Math.floor(index / ORDERS_PER_CUSTOMER) * 7_919 + 13) % CUSTOMERS;
const customerKey = (index: number): string => `customer#${String(customer(index)).padStart(7, "0")}`;

/** The item's primary key. */
export const keyOf = (index: number): Item => ({
  pk: { S: customerKey(index) },
  sk: { N: String(FIRST_ORDER + index) },
});

/** The number in an item's primary key. */
export const sortKeyOf = (index: number): number => FIRST_ORDER + index;

/** The item a key belongs to. */
export const indexOf = (key: { sk?: { N?: string } }): number => Number(key.sk?.N) - FIRST_ORDER;

/** Item number `body` of the block, the same in every process. */
function order(body: number, shape: Shape): Item {
  let seed = body + 1;
  // mulberry32: seeded, so source and floor hold the same values
  const random = (below: number): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  const pick = (list: string[]): string => list[random(list.length)] ?? "";
  // As DynamoDB sends a number: without zeros at its end.
  const price = (below: number): string => String(random(below * 100) / 100);
  if (shape === "small") return { ...keyOf(body), status: { S: pick(STATES) }, total: { N: price(2_000) } };
  const first = random(TAGS.length - 1);
  return {
    ...keyOf(body),
    status: { S: pick(STATES) },
    created: { S: new Date(1_700_000_000_000 + random(3e10)).toISOString() },
    email: { S: `${pick(PEOPLE)}${random(10_000)}@example.com` },
    total: { N: price(2_000) },
    tax: { N: price(200) },
    parcels: { N: String(1 + random(4)) },
    updatedMs: { N: String(1_700_000_000_000 + random(3e10)) },
    warehouse: { S: `eu-central-${1 + random(3)}` },
    paid: { BOOL: random(2) === 0 },
    coupon: { NULL: true },
    tags: { SS: TAGS.slice(first, first + 2) },
    address: {
      M: {
        street: { S: `${pick(STREETS)} ${random(200)}` },
        city: { S: pick(CITIES) },
        zip: { S: String(10_000 + random(90_000)) },
        floor: { N: String(random(12)) },
      },
    },
    lines: {
      L: Array.from({ length: LINES[shape] }, () => ({
        M: {
          name: { S: pick(GOODS) },
          sku: { S: `sku-${random(1e6)}` },
          qty: { N: String(1 + random(5)) },
          price: { N: price(400) },
        },
      })),
    },
  };
}

/** What `convert.type = change` makes of a number: the exact type that is smallest. */
function toNumber(text: string): Int32 | Long | Decimal128 {
  if (!/^-?\d+$/.test(text)) return Decimal128.fromString(text);
  const long = Long.fromString(text);
  return long.toNumber() === long.toInt() ? new Int32(long.toInt()) : long;
}

/** What `convert.type = change` makes of a value. */
function toDocument(value: Value): unknown {
  if ("N" in value) return toNumber(value.N);
  if ("M" in value)
    return Object.fromEntries(Object.entries(value.M).map(([name, inner]) => [name, toDocument(inner)]));
  if ("L" in value) return value.L.map(toDocument);
  if ("NULL" in value) return null;
  if ("S" in value) return value.S;
  return "SS" in value ? value.SS : value.BOOL;
}

/** Serialized bodies one after the other. */
export interface Block {
  bytes: Buffer;
  /** How many they are. */
  bodies: number;
  /** Where body `n` starts; one more entry for the end. */
  starts: Uint32Array;
  /** Gives item `index`'s key to the body that starts at `at` in `target`. */
  patch: (target: Buffer, at: number, index: number) => void;
}

function block(bodies: Uint8Array[], patch: Block["patch"]): Block {
  const starts = new Uint32Array(bodies.length + 1);
  bodies.forEach((body, n) => (starts[n + 1] = (starts[n] ?? 0) + body.length));
  return { bytes: Buffer.concat(bodies), bodies: bodies.length, starts, patch };
}

function writeDigits(target: Buffer, end: number, width: number, value: number): void {
  let rest = value;
  for (let at = end - 1; at >= end - width; at--) {
    target[at] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** The orders in DynamoDB JSON, a comma behind each. */
export function jsonBlock(shape: Shape = "medium"): Block {
  const bodies = Array.from({ length: BODIES[shape] }, (_, n) =>
    Buffer.from(`${JSON.stringify(order(n, shape))},`),
  );
  const pkEnd = `{"pk":{"S":"customer#0000000`.length;
  const skEnd = `{"pk":{"S":"customer#0000000"},"sk":{"N":"1700000000`.length;
  return block(bodies, (target, at, index) => {
    writeDigits(target, at + pkEnd, 7, customer(index));
    writeDigits(target, at + skEnd, 10, FIRST_ORDER + index);
  });
}

/** The orders as the documents the tool writes, `_id` first. */
export function bsonBlock(shape: Shape = "medium"): Block {
  const bodies = Array.from({ length: BODIES[shape] }, (_, n) =>
    BSON.serialize({ _id: new ObjectId(), ...(toDocument({ M: order(n, shape) }) as object) }),
  );
  // length, then `_id`: type, name, 12 bytes (the counter is the last of them); then `pk`: type, name, length, text …
  const counter = 4 + 5 + 8;
  const pkEnd = 4 + 5 + 12 + 4 + 4 + "customer#0000000".length;
  const sk = pkEnd + 1 + 4;
  return block(bodies, (target, at, index) => {
    target.writeUInt32BE(index, at + counter);
    writeDigits(target, at + pkEnd, 7, customer(index));
    target.writeInt32LE(FIRST_ORDER + index, at + sk);
  });
}

/** Items `from` to `to` with their keys, and where each begins and the last ends. */
export function cut(source: Block, from: number, to: number): { bytes: Buffer; starts: Uint32Array } {
  const starts = new Uint32Array(to - from + 1);
  for (let index = from; index < to; index++)
    starts[index - from + 1] = (starts[index - from] ?? 0) + sizeOf(source, index);
  const bytes = Buffer.allocUnsafe(starts[to - from] ?? 0);
  for (let index = from; index < to;) {
    // whole runs of the block at once: one copy a page, two where the block wraps
    const body = index % source.bodies;
    const run = Math.min(to - index, source.bodies - body);
    source.bytes.copy(
      bytes,
      starts[index - from] ?? 0,
      source.starts[body] ?? 0,
      source.starts[body + run] ?? 0,
    );
    index += run;
  }
  for (let index = from; index < to; index++) source.patch(bytes, starts[index - from] ?? 0, index);
  return { bytes, starts };
}

/** Bytes of item `index`. */
export const sizeOf = (source: Block, index: number): number =>
  (source.starts[(index % source.bodies) + 1] ?? 0) - (source.starts[index % source.bodies] ?? 0);
