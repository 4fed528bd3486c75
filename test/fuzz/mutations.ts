/** Changes to bytes and to JSON, as disks, networks and careless programs make them. */
import fc from "fast-check";

/** What an editor, a proxy or a broken disk may put somewhere. */
const PIECES = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  " ",
  "\n",
  "\t",
  "\0",
  "\u0001",
  "0",
  "-",
  "1e999",
  "null",
  "true",
  "{}",
  "[]",
  '""',
  '"x":1,',
  ',{"x":{"X":"x"}}',
  "\\u0000",
  "\\ud800",
  "\ufeff",
  "é",
  "<html>",
];

type Edit = (bytes: Buffer) => Buffer;

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const placeIn = (bytes: Buffer, at: number): number => Math.floor(at * bytes.length);
const spliced = (bytes: Buffer, from: number, to: number, piece: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);

/** One change to some bytes, anywhere in them. */
const edit: fc.Arbitrary<Edit> = fc.oneof(
  share.map(
    (at): Edit =>
      (bytes) =>
        bytes.subarray(0, placeIn(bytes, at)),
  ),
  { weight: 3, arbitrary: fc.tuple(share, fc.nat(7)).map(([at, bit]) => flip(at, bit)) },
  fc.tuple(share, fc.constantFrom(...PIECES)).map(([at, piece]): Edit => {
    return (bytes) => spliced(bytes, placeIn(bytes, at), placeIn(bytes, at), Buffer.from(piece));
  }),
  fc.tuple(share, fc.constantFrom(...PIECES)).map(([at, piece]): Edit => {
    return (bytes) => spliced(bytes, placeIn(bytes, at), placeIn(bytes, at) + 1, Buffer.from(piece));
  }),
  fc.tuple(share, fc.nat(12)).map(([at, length]): Edit => {
    return (bytes) => spliced(bytes, placeIn(bytes, at), placeIn(bytes, at) + length, Buffer.alloc(0));
  }),
  fc.tuple(share, fc.nat(40), share).map(([at, length, to]): Edit => {
    return (bytes) => {
      const piece = bytes.subarray(placeIn(bytes, at), placeIn(bytes, at) + length);
      return spliced(bytes, placeIn(bytes, to), placeIn(bytes, to), piece);
    };
  }),
);

function flip(at: number, bit: number): Edit {
  return (bytes) => {
    const flipped = Buffer.from(bytes);
    if (flipped.length > 0) flipped[placeIn(bytes, at)]! ^= 1 << bit;
    return flipped;
  };
}

/** Some bytes with up to three changes; none in a few of them. */
export function mangled(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(bytes, fc.array(edit, { maxLength: 3 }))
    .map(([whole, edits]) => edits.reduce((now, change) => change(now), whole));
}

/** Values of every type that JSON has, of every size. */
const anyJson = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e300, "", "x", "\0", [], {}, [{}], { S: "x" }),
  fc.constantFrom<unknown>({ X: "x" }, { S: 1 }, { S: "x", N: "1" }, { M: null }, { L: {} }, { NULL: false }),
  fc.constantFrom<unknown>(
    { B: "no base64!" },
    { N: "" },
    { N: "NaN" },
    { BOOL: "true" },
    { SS: "x" },
    { N: 1 },
  ),
);

/** A value of JSON whose members one after another may be another thing, missing, or there twice under another name. */
export function warped(json: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const warp = fc.record({ at: fc.nat(200), how: fc.nat(3), by: anyJson });
  return fc.tuple(json, fc.array(warp, { minLength: 0, maxLength: 2 })).map(([value, warps]) =>
    warps.reduce<unknown>((now, { at, how, by }) => {
      const copy = structuredClone(now);
      const places = membersOf(copy);
      const place = places[at % Math.max(1, places.length)];
      if (place === undefined) return by;
      const [holder, name] = place;
      if (how === 0) define(holder, name, by);
      else if (how === 1 && Array.isArray(holder)) holder.splice(Number(name), 1);
      else if (how === 1) delete holder[name];
      else if (Array.isArray(holder)) holder.push(by);
      else define(holder, how === 2 ? "Extra" : `${name}x`, by);
      return copy;
    }, value),
  );
}

type Holder = Record<string, unknown> | unknown[];

/** Each member of each object and list in it. */
function membersOf(value: unknown): [holder: Record<string, unknown>, name: string][] {
  if (value === null || typeof value !== "object") return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((name) => [
    [holder, name] as [typeof holder, string],
    ...membersOf(holder[name]),
  ]);
}

function define(holder: Holder, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}
