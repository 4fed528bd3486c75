/** An item that is read from the service's JSON attribute by attribute, when somebody asks. */
import type { AttributeValue, Item } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";
import type { ItemOffsets } from "./item-offsets.ts";
import { BACKSLASH, N, QUOTE, S } from "./json-bytes.ts";

/** Longer texts are left to the native parser. */
const SHORT = 64;

/** The item of a number on the page. */
export function lazyItem(offsets: ItemOffsets, index: number): Item {
  return new Proxy<Item>({}, new Reader(offsets, index));
}

/** By name its bytes with quotes and colon: mostly the same names are looked for. */
const written = new Map<string, Buffer>();
/** No more are kept: a plugin may ask for ever new names. */
const MOST_WRITTEN = 1000;

function asWritten(name: string): Buffer {
  let bytes = written.get(name);
  if (bytes !== undefined) return bytes;
  bytes = Buffer.from(`${JSON.stringify(name)}:`);
  if (written.size < MOST_WRITTEN) written.set(name, bytes);
  return bytes;
}

/** Fills the object behind a proxy with what is asked for. A class, because an object with closures costs too much. */
class Reader implements ProxyHandler<Item> {
  #offsets: ItemOffsets;
  #page: number;
  #json: Buffer;
  #start: number;
  #end: number;
  /** The number of the item's first name, and the one behind its last. */
  #from: number;
  #to: number;
  #whole = false;

  constructor(offsets: ItemOffsets, index: number) {
    const { items, page, json } = offsets;
    this.#offsets = offsets;
    this.#page = page;
    this.#json = json;
    this.#start = items[3 * index]!;
    this.#end = items[3 * index + 1]!;
    this.#from = index === 0 ? 0 : items[3 * index - 1]!;
    this.#to = items[3 * index + 2]!;
  }

  get(item: Item, name: string | symbol): unknown {
    this.#fill(item, name);
    return Reflect.get(item, name);
  }

  has(item: Item, name: string | symbol): boolean {
    this.#fill(item, name);
    return Reflect.has(item, name);
  }

  getOwnPropertyDescriptor(item: Item, name: string | symbol): PropertyDescriptor | undefined {
    this.#fill(item, name);
    return Reflect.getOwnPropertyDescriptor(item, name);
  }

  ownKeys(item: Item): (string | symbol)[] {
    this.#fillAll(item);
    return Reflect.ownKeys(item);
  }

  // A filter's edits would not be written: they are refused.
  set(): boolean {
    return false;
  }

  defineProperty(): boolean {
    return false;
  }

  deleteProperty(): boolean {
    return false;
  }

  #fill(item: Item, name: string | symbol): void {
    if (this.#whole || typeof name === "symbol" || Object.hasOwn(item, name)) return;
    // The item was kept while its unit read on, and the offsets are another page's now.
    if (this.#page !== this.#offsets.page) return this.#fillAll(item);
    this.#checkThere();
    const value = this.#find(asWritten(name));
    if (value !== undefined) setField(item as Record<string, unknown>, name, value);
    // The service may escape a name's characters that we wouldn't, or the other way round.
    else if (/[^ !#-[\]-~]/.test(name) || this.#hasEscapes()) this.#fillAll(item);
  }

  #fillAll(item: Item): void {
    if (this.#whole) return;
    this.#checkThere();
    this.#whole = true;
    const all = JSON.parse(this.#json.toString("utf8", this.#start, this.#end)) as Item;
    // Filled anew, so that all are in the order of the text.
    for (const name of Object.keys(item)) delete item[name];
    for (const name of Object.keys(all)) setField(item as Record<string, unknown>, name, all[name]);
  }

  /** A predicate may say that it holds no items, and do so all the same. */
  #checkThere(): void {
    if (this.#json.length === 0)
      throw new Error("an item is read whose page is gone: its predicate holds items");
  }

  #find(name: Buffer): AttributeValue | undefined {
    const { names } = this.#offsets;
    const json = this.#json;
    // What follows the opening quote, which every name has.
    const first = name[1];
    for (let i = this.#from; i < this.#to; i++) {
      const at = names[i]!;
      if (json[at + 1] !== first || !isAt(json, at, name)) continue;
      // Behind the value there is a comma, or the brace that ends the item.
      const end = (i + 1 < this.#to ? names[i + 1]! : this.#end) - 1;
      return valueAt(json, at + name.length, end);
    }
    return undefined;
  }

  /** Whether a name stands there that has more than one way to be written. */
  #hasEscapes(): boolean {
    const { names } = this.#offsets;
    for (let i = this.#from; i < this.#to; i++) {
      for (let at = names[i]! + 1; this.#json[at] !== QUOTE; at++) {
        if (this.#json[at] === BACKSLASH) return true;
      }
    }
    return false;
  }
}

/** The value from `{` to behind `}`. */
function valueAt(json: Buffer, start: number, end: number): AttributeValue {
  // Mostly it is a text or a number: `{"S":"…"}`.
  const type = json[start + 2];
  const isText = (type === S || type === N) && json[start + 3] === QUOTE && json[start + 5] === QUOTE;
  if (isText && isPlain(json, start + 6, end - 2)) {
    const text = json.toString("latin1", start + 6, end - 2);
    return type === S ? { S: text } : { N: text };
  }
  return JSON.parse(json.toString("utf8", start, end)) as AttributeValue;
}

/** Whether there is nothing but short ASCII without escapes. */
function isPlain(json: Buffer, start: number, end: number): boolean {
  if (end - start > SHORT) return false;
  for (let at = start; at < end; at++) if (json[at]! > 0x7e || json[at] === BACKSLASH) return false;
  return true;
}

function isAt(json: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 2; i < wanted.length; i++) if (json[at + i] !== wanted[i]) return false;
  return true;
}
