/** A lazy item is the parsed one, whatever is asked of it. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ItemOffsets } from "../../../plugins/_bson/item-offsets.ts";
import { lazyItem } from "../../../plugins/_bson/lazy-item.ts";
import { createItemEncoder } from "../../../plugins/_bson/item-encoder.ts";
import type { Item } from "../../../core/types.ts";
import { anyItem } from "../convert/any-item.ts";

const encoder = createItemEncoder({
  numbers: "typed",
  longNumber: (digits) => digits,
  idName: { top: "pre_id", nested: "_id" },
  keepsId: false,
  keys: [],
});

/** The item whose text this is; undefined: the encoder leaves it to the other way. */
function lazy(text: string): Item | undefined {
  const json = Buffer.from(`[${text}]`);
  const offsets = new ItemOffsets();
  offsets.begin(json);
  try {
    encoder.append(json, 1, offsets);
    return lazyItem(offsets, 0);
  } catch {
    return undefined;
  }
}

test("every item, attribute by attribute and whole", () => {
  fc.assert(
    fc.property(anyItem, fc.array(fc.string()), (item, others) => {
      const text = JSON.stringify(item);
      const looked = lazy(text);
      fc.pre(looked !== undefined);
      const plain = JSON.parse(text) as Item;
      for (const name of [...Object.keys(plain), ...others, "toString", "__proto__"]) {
        expect(Object.hasOwn(looked!, name)).toBe(Object.hasOwn(plain, name));
        expect(name in looked!).toBe(name in plain);
        if (Object.hasOwn(plain, name)) expect(looked![name]).toEqual(plain[name]!);
      }
      expect(JSON.stringify(looked)).toBe(text);
      expect(Object.keys(lazy(text)!)).toEqual(Object.keys(plain));
      expect({ ...lazy(text)! }).toEqual({ ...plain });
    }),
  );
});

test.each([
  [String.raw`{"\u0073tatus":{"S":"x"}}`, "status"],
  [String.raw`{"st\u00e9":{"S":"x"}}`, "sté"],
  [String.raw`{"a\/b":{"S":"x"}}`, "a/b"],
  ['{"m":{"M":{"status":{"S":"inner"}}},"status":{"S":"x"}}', "status"],
  ['{"s":{"S":"\\"status\\":{\\"S\\":\\"y\\"}"},"status":{"S":"x"}}', "status"],
])("%s has %s", (text, name) => {
  expect(lazy(text)![name]).toEqual({ S: "x" });
});

test("a name inside a map is no attribute of the item", () => {
  expect(lazy('{"m":{"M":{"status":{"S":"inner"}}}}')!["status"]).toBeUndefined();
});

test("whoever looks changes nothing", () => {
  const item = lazy('{"a":{"S":"x"}}')!;
  expect(() => (item["a"] = { S: "y" })).toThrow(TypeError);
  expect(() => delete item["a"]).toThrow(TypeError);
  expect(item["a"]).toEqual({ S: "x" });
});

test("an item that is kept longer than its page", () => {
  const offsets = new ItemOffsets();
  const [first, second] = ['[{"a":{"S":"x"},"b":{"N":"1"}}]', '[{"c":{"S":"y"}}]'].map((text) => {
    const json = Buffer.from(text);
    offsets.begin(json);
    encoder.append(json, 1, offsets);
    return lazyItem(offsets, 0);
  });
  expect([first!["b"], first!["c"], second!["c"]]).toEqual([{ N: "1" }, undefined, { S: "y" }]);
});

test("more items and names than there is room for at first", () => {
  const many = Array.from({ length: 3000 }, (_, n) => {
    const names = Array.from({ length: 12 }, (_, i) => [`a${i}`, { N: `${n * i}` }] as const);
    return Object.fromEntries(names);
  });
  const json = Buffer.from(JSON.stringify(many));
  const offsets = new ItemOffsets();
  offsets.begin(json);
  for (let pos = 1; json[pos] === 0x7b; pos++) pos = encoder.append(json, pos, offsets);
  for (const n of [0, 1, 1023, 1024, 2999]) expect({ ...lazyItem(offsets, n) }).toEqual(many[n]!);
  expect(lazyItem(offsets, 2999)["a11"]).toEqual({ N: "32989" });
});
