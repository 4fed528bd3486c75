/** The `_id` that is made of an item's key, while the item's JSON goes by. */
import { documentIdOf } from "./document-id.ts";
import { Unexpected } from "./json-cursor.ts";

/** Stands in a document until its `_id` is known: the key may be anywhere in the item. */
export const NO_ID: Uint8Array = new Uint8Array(12);

/** Gathers the key of one item after the other. */
export interface KeyReader {
  /** Forgets the item before. */
  begin(): void;
  /** The part of the key that has this name, partition key first; -1: it is none. */
  partNamed(isNamed: (name: Buffer) => boolean): number;
  /** Takes a part's value as it stands from `start` to `end` of `json`. */
  take(part: number, json: Buffer, start: number, end: number): void;
  /**
   * The `_id` of the item that went by.
   *
   * @throws Unexpected when a part of its key is missing
   */
  id(): Uint8Array;
}

/** Makes a reader of keys with these names, partition key first. */
export function createKeyReader(names: Buffer[]): KeyReader {
  const values: (string | undefined)[] = names.map(() => undefined);
  return {
    begin: () => void values.fill(undefined),
    partNamed: (isNamed) => names.findIndex(isNamed),
    take(part, json, start, end) {
      values[part] = json.toString("utf8", start, end);
    },
    id() {
      const [partition, sort] = values;
      if (partition === undefined || values.includes(undefined)) throw new Unexpected();
      return documentIdOf(partition, sort);
    },
  };
}
