/** A lazy item is the parsed one, whatever is asked of it. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { lazyItem } from "../../core/lazy-item.ts";
import { createItemEncoder } from "../../core/transcode.ts";
import type { Item } from "../../core/types.ts";
import { anyItem } from "../plugins/convert/any-item.ts";

const encoder = createItemEncoder({
  numbers: "typed",
  longNumber: (digits) => digits,
  idName: { top: "pre_id", nested: "_id" },
  keepsId: false,
  numberKeys: [],
});

/** The item whose text this is; undefined: the encoder leaves it to the other way. */
function lazy(text: string): Item | undefined {
  const json = Buffer.from(`[${text}]`);
  const names: number[] = [];
  try {
    const end = encoder.append(json, 1, names);
    return lazyItem({ json, bounds: [1, end], names, nameEnds: [names.length] }, 0);
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
