/** Bytes that are written one behind the other, in blocks of memory that are used again, and taken from the front. */
import { type Block, takeBlock } from "./blocks.ts";

/** What is free behind a document at its beginning, at least. */
const SPARE = 64;
const NONE = Buffer.alloc(0);
const NO_VIEW = new DataView(NONE.buffer, 0, 0);
/** A block has room for so many batches as the last one, */
const BATCHES = 4;
/** but isn't made larger than this without need. */
const LARGEST = 4 * 1024 * 1024;

/** Bytes that were taken. */
export interface TakenBytes {
  bytes: Uint8Array;
  /** To be called when nobody needs them any more: others are written over them. */
  release(): void;
}

/** See the top of the file. */
export class OutputBuffer {
  /** Where is written now; it may change with everything that is written. */
  bytes: Buffer = NONE;
  /** The same, for what has several bytes. */
  view: DataView = NO_VIEW;
  /** Where the next byte goes. */
  at = 0;

  readonly #firstSize: number;
  /** Where what isn't taken begins. */
  #from = 0;
  #block: Block | undefined;
  /** The least size of the next block. It is made when it is needed: many units have nothing to write for long. */
  #size: number;

  constructor(firstSize: number) {
    this.#firstSize = this.#size = firstSize;
  }

  /** Bytes written and not taken. */
  get length(): number {
    return this.at - this.#from;
  }

  /** Takes everything back behind a length. */
  truncate(length: number): void {
    this.at = this.#from + length;
  }

  /** Moves bytes to the left, over others; counted from the first that isn't taken. */
  move(to: number, start: number, end: number): void {
    const from = this.#from;
    this.bytes.copyWithin(from + to, from + start, from + end);
  }

  /** Before each document: goes on in another block when this one is nearly full, so that documents seldom have to be moved. */
  begin(): void {
    const { length } = this.bytes;
    if (this.at + (length >> 4) + SPARE > length) this.#moveTo(0, Math.max(this.#size, this.length * 2));
  }

  /** Makes sure of so many bytes behind `at`; no place changes. */
  reserve(size: number): void {
    const { length } = this.bytes;
    if (this.at + size > length) this.#moveTo(this.#from, Math.max(length * 2, this.at + size, this.#size));
  }

  /** Goes on in another block, with what isn't taken. */
  #moveTo(from: number, size: number): void {
    const block = takeBlock(size);
    this.bytes.copy(block.bytes, from, this.#from, this.at);
    this.#block?.release();
    this.#block = block;
    this.at += from - this.#from;
    this.#from = from;
    this.bytes = block.bytes;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** Takes the first so many bytes. */
  take(length: number): TakenBytes {
    const block = this.#block;
    const taken = {
      bytes: this.bytes.subarray(this.#from, this.#from + length),
      release: block === undefined ? (): void => {} : block.share(),
    };
    this.#from += length;
    // Of many units most have nothing to write for long.
    const isEmpty = this.length === 0;
    if (isEmpty) this.#letGo();
    const next = isEmpty ? length + (length >> 2) : Math.min(length * BATCHES, LARGEST);
    this.#size = Math.max(this.#firstSize, next);
    return taken;
  }

  #letGo(): void {
    this.#block?.release();
    this.#block = undefined;
    this.#from = this.at = 0;
    this.bytes = NONE;
    this.view = NO_VIEW;
  }
}
