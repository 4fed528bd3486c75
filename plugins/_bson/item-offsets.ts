/** Where a page's items stand in its JSON: buffers that are used again from page to page. */
const FIRST_NAMES = 16_384;
const FIRST_ITEMS = 1024;

/**
 * Where a page's items stand in its JSON, drawn in plugins/convert/_transcoder.ts: the encoder notes it, lazy items read
 * it. A class over typed arrays that are used again, because every item passes.
 */
export class ItemOffsets {
  json: Buffer = Buffer.alloc(0);
  /** Counts the pages: a lazy item sees by it that its page's offsets are gone. */
  page = 0;
  /** Where the opening quotes of the attributes' names stand, of one item after the other. */
  names: Int32Array = new Int32Array(FIRST_NAMES);
  #names = 0;
  /** Three numbers an item: its start, its end, and how many names there are up to its last. */
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
