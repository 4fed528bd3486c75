/** An item that is read from the service's JSON attribute by attribute, when somebody asks. */
import type { AttributeValue, Item } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const S = 0x53;
const N = 0x4e;
/** Longer texts are left to the native parser. */
const SHORT = 64;

const FIRST_NAMES = 16_384;
const FIRST_ITEMS = 1024;

/** Where a page's items stand in its JSON. A class over typed arrays that are used again, because every item passes. */
export class ItemOffsets {
  json: Buffer = Buffer.alloc(0);
  /** Counts the pages. */
  page = 0;
  /** Where the attributes' names stand, of one item after the other. */
  names: Int32Array = new Int32Array(FIRST_NAMES);
  #names = 0;
  /** Of each item its start, its end, and how many names there are up to its last. */
  items: Int32Array = new Int32Array(3 * FIRST_ITEMS);
  #items = 0;

  /** Goes on to another page. */
  begin(json: Buffer): void {
    this.json = json;
    this.page++;
    this.#names = 0;
    this.#items = 0;
  }

  /** A name of the item that comes next. */
  addName(at: number): void {
    if (this.#names === this.names.length) this.names = grown(this.names);
    this.names[this.#names++] = at;
  }

  /** The item whose names were added last. */
  addItem(start: number, end: number): void {
    if (this.#items === this.items.length) this.items = grown(this.items);
    this.items[this.#items++] = start;
    this.items[this.#items++] = end;
    this.items[this.#items++] = this.#names;
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** The item of a number on the page. */
export function lazyItem(places: ItemOffsets, index: number): Item {
  return new Proxy<Item>({}, new Reader(places, index));
}

/** How names stand before their values: what is looked for is mostly the same. */
const written = new Map<string, Buffer>();
/** Whoever makes names up as he goes doesn't get them remembered. */
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
  #places: ItemOffsets;
  #page: number;
  #json: Buffer;
  #start: number;
  #end: number;
  /** The number of the item's first name, and the one behind its last. */
  #from: number;
  #to: number;
  #whole = false;

  constructor(places: ItemOffsets, index: number) {
    const { items, page, json } = places;
    this.#places = places;
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

  // Who filters doesn't edit: a change would not be written.
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
    // Whoever kept the item longer than its page finds the places gone.
    if (this.#page !== this.#places.page) return this.#fillAll(item);
    const value = this.#find(asWritten(name));
    if (value !== undefined) setField(item as Record<string, unknown>, name, value);
    // The service may write a name in another way than we would.
    else if (/[^ !#-[\]-~]/.test(name) || this.#hasEscapes()) this.#fillAll(item);
  }

  #fillAll(item: Item): void {
    if (this.#whole) return;
    this.#whole = true;
    const all = JSON.parse(this.#json.toString("utf8", this.#start, this.#end)) as Item;
    // In the order of the text.
    for (const name of Object.keys(item)) delete item[name];
    for (const name of Object.keys(all)) setField(item as Record<string, unknown>, name, all[name]);
  }

  #find(name: Buffer): AttributeValue | undefined {
    const { names } = this.#places;
    const json = this.#json;
    // The opening quote is everywhere.
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
    const { names } = this.#places;
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
