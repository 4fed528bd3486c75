/** A place in compact JSON's bytes, and what can be read there. */
import { BACKSLASH, QUOTE, SPACE } from "./json-bytes.ts";
import { FIRST_HASH, nextHash } from "./name-hash.ts";

/** The input isn't of the expected form. */
export class Unexpected extends Error {}

/** Reads bytes from left to right. */
export class JsonCursor {
  bytes: Buffer = Buffer.alloc(0);
  /** The same, for several bytes at once. */
  view: DataView = new DataView(new ArrayBuffer(0));
  pos = 0;
  /** Of what {@link copyName} copied last. */
  hash = 0;
  /** The next backslash at or behind `#escapeFrom`; no string between has an escape. */
  #escape = -1;
  #escapeFrom = 0;

  /** Goes to a place. */
  moveTo(bytes: Buffer, pos: number): void {
    // What is known of escapes holds to the right only.
    if (bytes !== this.bytes || pos < this.#escapeFrom) this.#escape = -1;
    if (bytes !== this.bytes) this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.bytes = bytes;
    this.pos = pos;
  }

  /** Goes past a byte. */
  expect(byte: number): void {
    if (this.bytes[this.pos] !== byte) throw new Unexpected();
    this.pos++;
  }

  /** Whether these bytes stand at a place. */
  isAt(pos: number, expected: Uint8Array): boolean {
    const { bytes } = this;
    for (let i = 0; i < expected.length; i++) if (bytes[pos + i] !== expected[i]) return false;
    return true;
  }

  /**
   * Copies a string of at most so many bytes and without escapes, from behind its opening quote to behind the
   * closing one.
   *
   * @returns where the copy ends; -1, and `pos` stays, when the string is another
   */
  copyShort(target: Buffer, targetStart: number, most: number): number {
    const { bytes } = this;
    const limit = Math.min(this.pos + most + 1, bytes.length);
    let at = targetStart;
    for (let { pos } = this; pos < limit; pos++) {
      const byte = bytes[pos]!;
      if (byte === QUOTE) {
        this.pos = pos + 1;
        return at;
      }
      if (byte === BACKSLASH) return -1;
      // Only escaped ones stand in JSON; a NUL would end a name.
      if (byte < SPACE) throw new Unexpected();
      target[at++] = byte;
    }
    return -1;
  }

  /** {@link copyShort} for a name, whose hash it keeps. */
  copyName(target: Buffer, targetStart: number, most: number): number {
    const { bytes } = this;
    const limit = Math.min(this.pos + most + 1, bytes.length);
    let at = targetStart;
    let hash = FIRST_HASH;
    for (let { pos } = this; pos < limit; pos++) {
      const byte = bytes[pos]!;
      if (byte === QUOTE) {
        this.pos = pos + 1;
        this.hash = hash;
        return at;
      }
      if (byte === BACKSLASH) return -1;
      if (byte < SPACE) throw new Unexpected();
      target[at++] = byte;
      hash = nextHash(hash, byte);
    }
    return -1;
  }

  /** The end of the string that `pos` is in when it has no escapes, else -1. */
  plainEnd(): number {
    const end = this.bytes.indexOf(QUOTE, this.pos);
    if (end < 0) throw new Unexpected();
    if (this.#escape < this.pos) {
      const found = this.bytes.indexOf(BACKSLASH, this.pos);
      // Before it stands the opening quote.
      this.#escapeFrom = this.pos - 1;
      this.#escape = found < 0 ? Number.POSITIVE_INFINITY : found;
    }
    return end < this.#escape ? end : -1;
  }

  /** Goes from behind a string's opening quote to behind the closing one. */
  skipString(): void {
    const plain = this.plainEnd();
    if (plain >= 0) this.pos = plain + 1;
    else this.string();
  }

  /** A string from behind its opening quote to behind the closing one. */
  string(): string {
    const { bytes } = this;
    const start = this.pos;
    let end = start;
    while (bytes[end] !== QUOTE) {
      if (end >= bytes.length) throw new Unexpected();
      end += bytes[end] === BACKSLASH ? 2 : 1;
    }
    this.pos = end + 1;
    return JSON.parse(bytes.toString("utf8", start - 1, end + 1)) as string;
  }

  /** A string of ASCII, as {@link string}. */
  ascii(): string {
    const end = this.plainEnd();
    if (end < 0) return this.string();
    const text = this.bytes.toString("latin1", this.pos, end);
    this.pos = end + 1;
    return text;
  }
}
