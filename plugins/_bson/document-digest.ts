/** Documents digested by their bytes: nothing of them is made an object. */
import type { OnDigest } from "../../core/plugin/stored.ts";
import { OBJECT_ID } from "./bson-buffer.ts";
import { checkBounds, cstringEnd, int32At, MalformedBson, valueEnd } from "./elements.ts";
import { hash64 } from "./hash64.ts";
import { KeyBytes } from "./key-bytes.ts";

const ID = Buffer.from("_id");

/** What {@link createDigester} takes. */
export interface DigestOptions {
  /** The key's fields, each a name, or a name and behind a dot that of the only field in it. */
  paths: string[];
  /** What `_id` is: content whatever it is, content unless it is an ObjectId, or never content. */
  id: "content" | "own" | "made";
}

/** Digests documents that stand one behind the other; `ends`: where each ends. */
export type Digester = (bytes: Uint8Array, ends: readonly number[], onDigest: OnDigest) => void;

/** The place of an element. */
interface Place {
  /** Where its type stands; -1: there is none. */
  start: number;
  /** Where its value begins. */
  value: number;
  end: number;
}

/** A name to look for. */
interface Wanted extends Place {
  name: Buffer;
  /** The name of the field in it that is meant. */
  inner: Buffer | undefined;
}

/**
 * Makes a digester. `_id` is digested apart from the rest: the server moves it to the front.
 *
 * @returns it throws MalformedBson
 */
export function createDigester({ paths, id }: DigestOptions): Digester {
  const key = paths.map(wantedAt);
  const ownId: Wanted =
    key.find(({ name, inner }) => inner === undefined && name.equals(ID)) ?? wantedAt("_id");
  const wanted = [...new Set([ownId, ...key])];
  const keyBytes = new KeyBytes();

  /** The key of a document whose elements are found; undefined: it has none. */
  function keyIn(bytes: Uint8Array): Uint8Array | undefined {
    keyBytes.begin();
    for (const place of key) {
      if (place.start < 0) return undefined;
      const found = place.inner === undefined ? place : innerOf(bytes, place, place.inner);
      if (found === undefined) return undefined;
      keyBytes.add(bytes[found.start]!, bytes, found.value, found.end);
    }
    return keyBytes.view();
  }

  function digest(bytes: Uint8Array, start: number, end: number): bigint {
    if (ownId.start < 0) return hash64(part(bytes, start, end));
    const isContent = id === "content" || (id === "own" && bytes[ownId.start] !== OBJECT_ID);
    const seed = isContent ? hash64(part(bytes, ownId.start, ownId.end)) : 0n;
    if (ownId.start === start) return hash64(part(bytes, ownId.end, end), seed);
    return hash64(Buffer.concat([part(bytes, start, ownId.start), part(bytes, ownId.end, end)]), seed);
  }

  return (bytes, ends, onDigest) => {
    let start = 0;
    for (let i = 0; i < ends.length; i++) {
      const end = ends[i]!;
      checkBounds(bytes, start, end);
      find(bytes, start + 4, end - 1, wanted);
      onDigest(keyIn(bytes), digest(bytes, start + 4, end - 1), i);
      start = end;
    }
  };
}

const part = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);

function wantedAt(path: string): Wanted {
  const dot = path.lastIndexOf(".");
  return {
    name: Buffer.from(dot < 0 ? path : path.slice(0, dot)),
    inner: dot < 0 ? undefined : Buffer.from(path.slice(dot + 1)),
    start: -1,
    value: 0,
    end: 0,
  };
}

/** Finds elements by their names, the first of each, and walks no further than it has to. */
function find(bytes: Uint8Array, start: number, end: number, wanted: Wanted[]): void {
  for (const each of wanted) each.start = -1;
  let left = wanted.length;
  for (let at = start; at < end && left > 0;) {
    const name = at + 1;
    const nameEnd = cstringEnd(bytes, name);
    const next = valueEnd(bytes, bytes[at]!, nameEnd + 1);
    if (next > end) throw new MalformedBson("a value beyond its document");
    for (const each of wanted) {
      if (each.start >= 0 || !isNamed(bytes, name, nameEnd, each.name)) continue;
      each.start = at;
      each.value = nameEnd + 1;
      each.end = next;
      left--;
    }
    at = next;
  }
}

function isNamed(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

/** A field of the document that an element's value is. */
function innerOf(bytes: Uint8Array, { start, value, end }: Place, name: Buffer): Place | undefined {
  if (bytes[start] !== 3 || int32At(bytes, value) !== end - value) return undefined;
  const inner: Wanted = { name, inner: undefined, start: -1, value: 0, end: 0 };
  find(bytes, value + 4, end - 1, [inner]);
  return inner.start < 0 ? undefined : inner;
}
