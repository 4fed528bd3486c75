/** Fifteen kinds of tampering with documents, and the paths at which each shows, for every form that documents have. */
import { Binary, type Db, Decimal128, Double, Int32, Long, Timestamp } from "mongodb";
import type { Attributes } from "./helpers.ts";

/** What an update does to a document, and where that is found. */
export type Tampering = [what: string, update: object, ...paths: string[]];

/** Items with something of everything, so that each kind of tampering has something to change. */
export const rich = (n: number): Attributes => ({
  pk: { S: `k${n}` },
  n: { N: "5" },
  big: { N: "5000000000" },
  dec: { N: "1.5" },
  s: { S: "text" },
  b: { B: "AQID" },
  none: { NULL: true },
  list: { L: [{ N: "1" }, { S: "two" }] },
  map: { M: { inner: { M: { x: { N: "1" } } } } },
  set: { SS: ["a", "b", "c"] },
  t: { BOOL: true },
});

const otherSubtype = new Binary(Buffer.from([1, 2, 3]), 128);
const timestamp = new Timestamp({ t: 1, i: 2 });

/** Those that are the same with numbers of every type. */
const plain: Tampering[] = [
  ["a string instead of bytes", { $set: { b: "AQID" } }, "b"],
  ["another subtype", { $set: { b: otherSubtype } }, "b"],
  ["one field more", { $set: { more: 1 } }, "more"],
  ["one field less", { $unset: { s: "" } }, "s"],
  ["null taken away", { $unset: { none: "" } }, "none"],
  ["a set with one value less", { $set: { set: ["a", "b"] } }, "set"],
  ["a type that no item has", { $set: { t: timestamp } }, "t"],
];

/** By `convert.type`. */
export const TAMPERING: Record<"change" | "mchange" | "raw", Tampering[]> = {
  change: [
    ["another value", { $set: { n: new Int32(6) } }, "n"],
    ["a double instead of an int32", { $set: { n: new Double(5) } }, "n"],
    ["an int64 instead of an int32", { $set: { n: Long.fromNumber(5) } }, "n"],
    ["a decimal with another exponent", { $set: { dec: Decimal128.fromString("1.50") } }, "dec"],
    ["a value deep inside", { $set: { "map.inner.x": new Int32(2) } }, "map.inner.x"],
    ["a list in another order", { $set: { list: ["two", new Int32(1)] } }, "list[0]", "list[1]"],
    ["a list that is shorter", { $set: { list: [new Int32(1)] } }, "list[1]"],
    ["a digit of a long number", { $set: { big: Long.fromString("5000000001") } }, "big"],
    ...plain,
  ],
  mchange: [
    ["another value", { $set: { n: new Double(6) } }, "n"],
    ["an int32 instead of a double", { $set: { n: new Int32(5) } }, "n"],
    ["an int64 instead of a double", { $set: { n: Long.fromNumber(5) } }, "n"],
    ["a decimal instead of a double", { $set: { dec: Decimal128.fromString("1.5") } }, "dec"],
    ["a value deep inside", { $set: { "map.inner.x": new Double(2) } }, "map.inner.x"],
    ["a list in another order", { $set: { list: ["two", new Double(1)] } }, "list[0]", "list[1]"],
    ["a list that is shorter", { $set: { list: [new Double(1)] } }, "list[1]"],
    ["a digit of a long number", { $set: { big: new Double(5_000_000_001) } }, "big"],
    ...plain,
  ],
  raw: [
    ["another value", { $set: { "n.N": "6" } }, "n.N"],
    ["an int32 instead of digits", { $set: { "n.N": new Int32(5) } }, "n.N"],
    ["another type's name", { $set: { n: { S: "5" } } }, "n.N", "n.S"],
    ["digits written in another way", { $set: { "dec.N": "1.50" } }, "dec.N"],
    ["a value deep inside", { $set: { "map.M.inner.M.x.N": "2" } }, "map.M.inner.M.x.N"],
    ["a string instead of bytes", { $set: { "b.B": "AQID" } }, "b.B"],
    ["another subtype", { $set: { "b.B": otherSubtype } }, "b.B"],
    ["one field more", { $set: { more: { N: "1" } } }, "more"],
    ["one field less", { $unset: { s: "" } }, "s"],
    ["null taken away", { $unset: { none: "" } }, "none"],
    ["a list that is shorter", { $set: { "list.L": [{ N: "1" }] } }, "list.L[1]"],
    ["two types in one", { $set: { "s.N": "1" } }, "s.N"],
    ["a set with one value less", { $set: { "set.SS": ["a", "b"] } }, "set.SS"],
    ["a type that no item has", { $set: { "t.BOOL": timestamp } }, "t.BOOL"],
    ["a digit of a long number", { $set: { "big.N": "5000000001" } }, "big.N"],
  ],
};

/** A document that changes and is the same, and one that is taken away. */
const UNTOUCHED = "k40";
const MISSING = "k41";

/**
 * Tampers with a copy of at least 42 rich items: one after the other, and then a set in another order, which is none, a
 * document less, one more, and one without a key.
 */
export async function tamper(db: Db, collection: string, type: keyof typeof TAMPERING): Promise<void> {
  const documents = db.collection(collection);
  const [pk, set] = type === "raw" ? ["pk.S", "set.SS"] : ["pk", "set"];
  for (const [i, [, update]] of TAMPERING[type].entries())
    await documents.updateOne({ [pk]: `k${i}` }, update);
  await documents.updateOne({ [pk]: UNTOUCHED }, { $set: { [set]: ["c", "a", "b"] } });
  await documents.deleteOne({ [pk]: MISSING });
  await documents.insertOne(type === "raw" ? { pk: { S: "extra" } } : { pk: "extra", n: 1 });
  await documents.insertOne({ other: true });
}

/** What is to be found then, as key, kind and path, sorted. */
export function expectedFaults(type: keyof typeof TAMPERING): string[] {
  const different = TAMPERING[type].flatMap(([, , ...paths], i) =>
    paths.map((path) => `k${i} different ${path}`),
  );
  return [...different, `${MISSING} missing`, "extra extra", "- extra"].toSorted();
}
