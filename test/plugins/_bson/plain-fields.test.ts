/** Short strings and numbers under known names become the bytes that any other field becomes. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AttributeValue, Item } from "../../../core/types.ts";
import type { Encoding } from "../../../plugins/_bson/encoding.ts";
import { createItemEncoder, type ItemEncoder } from "../../../plugins/_bson/item-encoder.ts";
import { ItemOffsets } from "../../../plugins/_bson/item-offsets.ts";
import { Unexpected } from "../../../plugins/_bson/json-cursor.ts";
import { KNOWN, LONGEST_NAME } from "../../../plugins/_bson/known-names.ts";
import { readDocument } from "../../fakes/bson-types.ts";
import { anyItem } from "../convert/any-item.ts";

const encodingOf = (numbers: Encoding["numbers"], idName = "_id"): Encoding => ({
  numbers,
  longNumber: (digits) => (numbers === "double" ? Number(digits) : digits),
  idName: { top: idName, nested: idName },
  keepsId: idName === "_id",
  keys: [{ name: "pk", type: "S" }],
  bare: true,
});
/** What comes behind the last item, so that it may be looked at in whole words, too. */
const BEHIND = " ".repeat(200);

/** The item's bytes; undefined: it is left to the way of objects. */
function encoded(encoder: ItemEncoder, input: string, start = 0): string | undefined {
  try {
    encoder.append(Buffer.from(input), start);
  } catch (error) {
    if (error instanceof Unexpected || error instanceof RangeError || error instanceof SyntaxError)
      return undefined;
    throw error;
  }
  return Buffer.from(encoder.take(encoder.length).bytes).toString("hex");
}

const escaped = (name: string): string =>
  `"${Array.from({ length: name.length }, (_, i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;

/** A value's JSON with all of its names in escapes: none of them is known then. */
function unknown(value: AttributeValue): string {
  if ("M" in value) return `{"M":${unknownItem(value.M as Item)}}`;
  if ("L" in value) return `{"L":[${(value.L as AttributeValue[]).map(unknown).join(",")}]}`;
  return JSON.stringify(value);
}

function unknownItem(item: Item): string {
  return `{${Object.entries(item)
    .map(([name, value]) => `${escaped(name)}:${unknown(value)}`)
    .join(",")}}`;
}

/** Its bytes are the same however often its names came before, and wherever the page ends. */
function expectSame(encoder: ItemEncoder, item: Item, ends: readonly string[] = ["", BEHIND]): void {
  const expected = encoded(encoder, unknownItem(item));
  const text = JSON.stringify(item);
  for (const end of ends) {
    expect(encoded(encoder, `${text}${end}`)).toBe(expected);
    expect(encoded(encoder, `${text}${end}`)).toBe(expected);
  }
}

const pk = { S: "a" };

describe.each(["exact", "double", "typed"] as const)("numbers: %s", (numbers) => {
  test.each(["_id", "pre_id"])("any items, _id is called %s", (idName) => {
    const encoder = createItemEncoder(encodingOf(numbers, idName));
    fc.assert(
      fc.property(anyItem, (item) => expectSame(encoder, item)),
      { numRuns: 300 },
    );
  });

  test("strings of every length, with what is special at every place", () => {
    const encoder = createItemEncoder(encodingOf(numbers));
    for (let length = 0; length < 72; length++) {
      for (const special of [
        "",
        '"',
        "\\",
        "\n",
        "\u001f",
        " ",
        "!",
        "#",
        "[",
        "]",
        "\x7f",
        "é",
        "€",
        "😀",
      ]) {
        const S = `${"x".repeat(length)}${special}yz`;
        expectSame(encoder, { pk, s: { S }, m: { M: { s: { S: S.slice(0, -2) } } } }, [BEHIND]);
      }
    }
  });

  test("a page that ends at every distance", () => {
    const encoder = createItemEncoder(encodingOf(numbers));
    const item = { pk, s: { S: "x".repeat(50) }, name: { N: "-12.5" }, m: { M: { name: { N: "7" } } } };
    expectSame(
      encoder,
      item,
      Array.from({ length: 200 }, (_, i) => " ".repeat(i)),
    );
  });

  test("names of every length, and such as look like what comes behind a name", () => {
    const encoder = createItemEncoder(encodingOf(numbers));
    for (let length = 1; length < LONGEST_NAME + 4; length++) {
      const name = "n".repeat(length);
      expectSame(encoder, {
        pk,
        [name]: { S: "b" },
        [`${name}é`]: { N: "1" },
        z: { M: { [name]: { N: "1" } } },
      });
    }
    for (const name of ['a":{"S":"', "a\\", 'a"', "a", "", "_i", "_id", "_idx", "é"])
      expectSame(encoder, { pk, [name]: { S: "b" }, m: { M: { [name]: { M: { [name]: { S: "c" } } } } } });
  });
});

test("a name that reads like a map's beginning isn't taken for one", () => {
  const encoder = createItemEncoder(encodingOf("exact"));
  const item: Item = { pk, a: { M: { b: { S: "c" } } } };
  const expected = encoded(encoder, unknownItem(item));
  for (let i = 0; i < 2; i++)
    encoded(encoder, `${JSON.stringify({ pk, 'a":{"M":{"b': { S: "c" } })}${BEHIND}`);
  expect(encoded(encoder, `${JSON.stringify(item)}${BEHIND}`)).toBe(expected);
});

test.each([
  ["control characters", '"s":{"S":"a\u0001b"}'],
  ["a name that is there twice", '"s":{"S":"a"},"s":{"S":"b"}'],
  ["the same in escapes", '"s":{"S":"a"},"\\u0073":{"S":"b"}'],
  ["the same in escapes first", '"\\u0073":{"S":"a"},"s":{"S":"b"}'],
  ["a blank behind a value", '"s":{"S":"a" }'],
  ["a blank behind a field", '"s":{"S":"a"} ,"n":{"N":"1"}'],
  ["two types", '"s":{"S":"a","N":"1"}'],
  ["two values", '"n":{"N":"1""2"}'],
])("%s: left to the way of objects, however often the names came before", (_, fields) => {
  const encoder = createItemEncoder(encodingOf("exact"));
  const item = (text: string): string => `{"pk":{"S":"a"},${text},"z":{"N":"1"}}${BEHIND}`;
  for (const good of ['"s":{"S":"a"}', '"s":{"S":"a"},"n":{"N":"1"}', '"n":{"N":"1"}']) {
    for (let i = 0; i < 2; i++) expect(encoded(encoder, item(good))).toBeDefined();
    expect(encoded(encoder, item(fields))).toBeUndefined();
  }
});

test("more names than are known, until all are forgotten, and those that are there twice", () => {
  const encoder = createItemEncoder(encodingOf("exact"));
  for (let round = 0; round < 40; round++) {
    const names = Array.from({ length: KNOWN }, (_, i) => `name-${round}-${i}`);
    const fields = names.map((name, i) => `"${name}":{"N":"${i}"}`).join(",");
    const text = `{"pk":{"S":"a"},"m":{"M":{${fields}}}}${BEHIND}`;
    const again = `{"pk":{"S":"a"},"m":{"M":{${fields},"${names[round]}":{"N":"1"}}}}${BEHIND}`;
    const first = encoded(encoder, text);
    const [, [, , map] = []] = readDocument(Buffer.from(first!, "hex"));
    expect(map).toEqual(names.map((name, i) => [name, "int32", i]));
    expect(encoded(encoder, text)).toBe(first!);
    expect(encoded(encoder, again)).toBeUndefined();
  }
});

test("the page's records' names and ends are noted the same", () => {
  // See test/plugins/_bson/lazy-item.test.ts for what is read by them.
  const encoder = createItemEncoder(encodingOf("exact"));
  const text = `{"pk":{"S":"a"},"s":{"S":"b"},"m":{"M":{"s":{"S":"c"}}},"n":{"N":"1"}}${BEHIND}`;
  const noted = [0, 1].map(() => {
    const offsets = new ItemOffsets();
    offsets.begin(Buffer.from(text));
    encoder.append(Buffer.from(text), 0, offsets);
    return [[...offsets.names.subarray(0, 5)], [...offsets.items.subarray(0, 4)]];
  });
  const names = [...text.matchAll(/"(?=[a-z]+":\{"[SMN]":)/g)].map(({ index }) => index);
  const own = names.filter((_, i) => i !== 3);
  expect(noted[0]).toEqual([
    [...own, 0],
    [0, text.length - BEHIND.length, 4, 0],
  ]);
  expect(noted[1]).toEqual(noted[0]!);
});
