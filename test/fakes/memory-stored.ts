/** What is in a target in memory, as BSON; with a flaw or none. */
import type { Context } from "../../core/plugin/context.ts";
import type { Stored } from "../../core/plugin/stored.ts";
import { keyText } from "../../core/schema/keys.ts";
import type { SourceRecord, Table, TargetDocument } from "../../core/types.ts";
import { createDocumentWriter } from "../../plugins/_bson/document-writer.ts";
import { createBsonStored } from "../../plugins/target/_stored-bson.ts";

/** Documents of a page. */
const PAGE = 1000;

/** Ways to be wrong, and parts of the names of the cases that have to see it. */
export const STORED_FLAWS: Record<string, string[]> = {
  "stored isn't there": ["what it is said to be able to"],
  "reading begins anew at every position": ["every page gives a position"],
  "pages overlap": ["every page gives a position"],
  "a digest is of the key": ["any change of an item"],
  "a digest is another one each time": ["what is read is what encode makes"],
  "keys don't come back": ["what is read is what encode makes, key pk:N"],
  "a field isn't decoded": ["any change of an item"],
  "find finds all": ["find gives none and one"],
  "find finds the second of a key only": ["find gives none and one"],
  "an index is missing": ["no index is missing"],
  "remove leaves one": ["remove takes the keys"],
};

/**
 * Makes it.
 *
 * @param documentsOf a table's documents by their keys' texts
 */
export function memoryStored(
  ctx: Context,
  documentsOf: (table: Table) => Map<string, TargetDocument>,
  has: (flaw: string) => boolean,
): Required<Omit<Stored, "keysAtOnce">> {
  const bson = createBsonStored(ctx, { madeIds: false });
  let count = 0n;

  function encoded(documents: TargetDocument[]): { bytes: Uint8Array; ends: number[] } {
    const writer = createDocumentWriter({ doubles: false, addId: false });
    let end = 0;
    const ends = documents.map((document) => (end += writer.append(document)));
    return { bytes: writer.bytes(), ends };
  }
  const textOf = ({ keys }: SourceRecord, table: Table): string => keyText(keys, table);

  return {
    encode: bson.encode,
    idOf: bson.idOf,

    async *read(table, from) {
      const all = [...documentsOf(table).values()];
      let at = has("reading begins anew at every position") ? 0 : Number(from?.["at"]?.N ?? 0);
      for (; at < all.length || at === 0; at += PAGE) {
        const end = at + PAGE;
        const position = end >= all.length ? undefined : { at: { N: String(end) } };
        yield { ...encoded(all.slice(has("pages overlap") ? Math.max(0, at - 1) : at, end)), position };
      }
    },

    digest(table, bytes, ends, onDigest) {
      bson.digest(table, bytes, ends, (key, digest, index) => {
        if (has("a digest is another one each time")) onDigest(key, digest + count++, index);
        else onDigest(key, has("a digest is of the key") ? BigInt(key?.length ?? 0) : digest, index);
      });
    },

    keyOf: (table, key) => (has("keys don't come back") ? undefined : bson.keyOf(table, key)),

    async find(table, records) {
      const documents = documentsOf(table);
      const seen = new Set<string>();
      return records.map((record) => {
        const text = textOf(record, table);
        if (has("find finds the second of a key only") && !seen.has(text)) {
          seen.add(text);
          return [];
        }
        const found = has("find finds all") ? [...documents.values()][0] : documents.get(text);
        return found === undefined ? [] : [encoded([found]).bytes];
      });
    },

    decode(table, document) {
      const decoded = bson.decode(table, document);
      if (has("a field isn't decoded")) decoded.fields?.delete("binary");
      return decoded;
    },

    indexes: async (_table, wanted) => (has("an index is missing") ? [{ wanted: wanted[0]! }] : []),

    async remove(table, what) {
      const texts = "records" in what ? what.records.map((record) => textOf(record, table)) : [];
      const removed = has("remove leaves one") ? texts.slice(1) : texts;
      return removed.filter((text) => documentsOf(table).delete(text)).length;
    },
  };
}
