/** An item that is read from the service's JSON attribute by attribute, when somebody asks. */
import type { AttributeValue, Item } from "./types.ts";
import { setField } from "./value.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where items stand in the JSON, one behind the other. */
export interface ItemPlaces {
  json: Buffer;
  /** Start and end of each. */
  bounds: number[];
  /** Where their attributes' names stand, and how many there are up to the end of each item. */
  names: number[];
  nameEnds: number[];
}

/** The item of a number. */
export function lazyItem(places: ItemPlaces, index: number): Item {
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
  #places: ItemPlaces;
  #index: number;
  #whole = false;

  constructor(places: ItemPlaces, index: number) {
    this.#places = places;
    this.#index = index;
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
    const value = this.#find(asWritten(name));
    if (value !== undefined) setField(item as Record<string, unknown>, name, value);
    // The service may write a name in another way than we would.
    else if (/[^ !#-[\]-~]/.test(name) || this.#hasEscapes()) this.#fillAll(item);
  }

  #fillAll(item: Item): void {
    if (this.#whole) return;
    this.#whole = true;
    const { json, bounds } = this.#places;
    const text = json.toString("utf8", bounds[2 * this.#index], bounds[2 * this.#index + 1]);
    const all = JSON.parse(text) as Item;
    // In the order of the text.
    for (const name of Object.keys(item)) delete item[name];
    for (const name of Object.keys(all)) setField(item as Record<string, unknown>, name, all[name]);
  }

  /** The number of the item's first name, and the one behind its last. */
  #from(): number {
    return this.#index === 0 ? 0 : this.#places.nameEnds[this.#index - 1]!;
  }

  #to(): number {
    return this.#places.nameEnds[this.#index]!;
  }

  #find(name: Buffer): AttributeValue | undefined {
    const { json, names, bounds } = this.#places;
    const to = this.#to();
    // The opening quote is everywhere.
    const first = name[1];
    for (let i = this.#from(); i < to; i++) {
      const at = names[i]!;
      if (json[at + 1] !== first || !isAt(json, at, name)) continue;
      // Behind the value there is a comma, or the brace that ends the item.
      const end = (i + 1 < to ? names[i + 1]! : bounds[2 * this.#index + 1]!) - 1;
      return JSON.parse(json.toString("utf8", at + name.length, end)) as AttributeValue;
    }
    return undefined;
  }

  /** Whether a name stands there that has more than one way to be written. */
  #hasEscapes(): boolean {
    const { json, names } = this.#places;
    const to = this.#to();
    for (let i = this.#from(); i < to; i++) {
      for (let at = names[i]! + 1; json[at] !== QUOTE; at++) if (json[at] === BACKSLASH) return true;
    }
    return false;
  }
}

function isAt(json: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 2; i < wanted.length; i++) if (json[at + i] !== wanted[i]) return false;
  return true;
}
