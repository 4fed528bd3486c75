/** An item that is read from the service's JSON attribute by attribute, when somebody asks. */
import type { AttributeValue, Item } from "./types.ts";
import { setField } from "./value.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where an item stands in the JSON. */
export interface ItemPlace {
  json: Buffer;
  start: number;
  end: number;
  /** Where its attributes' names stand, of many items one behind the other. */
  names: number[];
  /** Its first one, and the one behind its last. */
  from: number;
  to: number;
}

/** Makes items of one name after the other: what they look for is mostly the same. */
export function createLazyItems(): (place: ItemPlace) => Item {
  const wanted = new Map<string, Buffer>();

  /** An attribute's name as it stands before its value. */
  function written(name: string): Buffer {
    let bytes = wanted.get(name);
    if (bytes === undefined) wanted.set(name, (bytes = Buffer.from(`${JSON.stringify(name)}:`)));
    return bytes;
  }

  return (place) => {
    let whole = false;
    /** Of its attributes those that were asked for. */
    const item: Item = {};

    function fill(name: string | symbol): boolean {
      if (typeof name === "symbol") return false;
      if (whole || Object.hasOwn(item, name)) return Object.hasOwn(item, name);
      const value = find(place, written(name));
      if (value !== undefined) setField(item as Record<string, unknown>, name, value);
      // The service may write a name in another way than we would.
      else if (hasEscapes(place, name)) fillAll();
      return Object.hasOwn(item, name);
    }

    function fillAll(): void {
      if (whole) return;
      whole = true;
      const all = JSON.parse(place.json.toString("utf8", place.start, place.end)) as Item;
      for (const name of Object.keys(item)) delete item[name];
      for (const name of Object.keys(all)) setField(item as Record<string, unknown>, name, all[name]);
    }

    const refuse = (): boolean => false;
    return new Proxy(item, {
      get(target, name) {
        fill(name);
        return Reflect.get(target, name);
      },
      has: (target, name) => fill(name) || Reflect.has(target, name),
      getOwnPropertyDescriptor(target, name) {
        fill(name);
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
      ownKeys(target) {
        fillAll();
        return Reflect.ownKeys(target);
      },
      // Who filters doesn't edit: a change would not be written.
      set: refuse,
      defineProperty: refuse,
      deleteProperty: refuse,
    });
  };
}

function find(place: ItemPlace, wanted: Buffer): AttributeValue | undefined {
  const { json, names, from, to } = place;
  // The opening quote is everywhere.
  const first = wanted[1];
  for (let i = from; i < to; i++) {
    const at = names[i]!;
    if (json[at + 1] !== first || !isAt(json, at, wanted)) continue;
    // Behind the value there is a comma, or the brace that ends the item.
    const end = (i + 1 < to ? names[i + 1]! : place.end) - 1;
    return JSON.parse(json.toString("utf8", at + wanted.length, end)) as AttributeValue;
  }
  return undefined;
}

function isAt(json: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 2; i < wanted.length; i++) if (json[at + i] !== wanted[i]) return false;
  return true;
}

/** Whether a name stands there, or is wanted, that has more than one way to be written. */
function hasEscapes({ json, names, from, to }: ItemPlace, wanted: string): boolean {
  if (/[^ !#-[\]-~]/.test(wanted)) return true;
  for (let i = from; i < to; i++) {
    for (let at = names[i]! + 1; json[at] !== QUOTE; at++) if (json[at] === BACKSLASH) return true;
  }
  return false;
}
