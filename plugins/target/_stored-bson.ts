/** What comparing needs of documents that are BSON, wherever they are stored. */
import { createDocumentWriter } from "../_bson/document-writer.ts";
import { createDigester, type Digester, type DigestOptions } from "../_bson/document-digest.ts";
import { MalformedBson } from "../_bson/elements.ts";
import { extendedJson } from "../_bson/extended-json.ts";
import { decodeDocument } from "../_bson/stored-value.ts";
import { keyValues } from "../_bson/key-bytes.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Context } from "../../core/plugin/context.ts";
import type { Stored } from "../../core/plugin/stored.ts";
import { keyAttributes } from "../../core/schema/keys.ts";
import { isPossibleKey } from "../../core/schema/possible-key.ts";
import { setField } from "../../core/schema/set-field.ts";
import type { Item, SourceRecord, Table } from "../../core/types.ts";
import { checkSizes, encodeRecords } from "./_documents.ts";

/** See the top of the file. */
export interface BsonStored extends Required<
  Pick<Stored, "encode" | "digest" | "keyOf" | "decode" | "idOf">
> {
  /** The keys of converted records, as texts that are the same for documents of these keys. */
  keyTextsOf(records: SourceRecord[], table: Table): string[];
  /** The keys of documents as such texts; undefined for one without. */
  keyTexts(table: Table, bytes: Uint8Array, ends: number[]): (string | undefined)[];
}

const textOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");

/** Makes it; `madeIds`: whether every `_id` is made here. */
export function createBsonStored(ctx: Context, { madeIds }: { madeIds: boolean }): BsonStored {
  const digesters = new WeakMap<Table, Digester>();
  /** Digesters of keys alone, by how many parts they have. */
  const keyDigesters: Digester[] = [];

  const pathsOf = (table: Table): string[] => keyAttributes(table).map(ctx.role("convert").fieldPath);

  function idOf(table: Table): DigestOptions["id"] {
    if (pathsOf(table)[0]!.split(".")[0] === "_id") return "content";
    return madeIds ? "made" : "own";
  }

  function digesterOf(table: Table): Digester {
    let digester = digesters.get(table);
    if (digester === undefined) {
      digester = createDigester({ paths: pathsOf(table), id: idOf(table) });
      digesters.set(table, digester);
    }
    return digester;
  }

  const digest: Stored["digest"] = (table, bytes, ends, onDigest) =>
    whole(table, () => digesterOf(table)(bytes, ends, onDigest));

  function keyTextsOf(records: SourceRecord[], table: Table): string[] {
    const paths = pathsOf(table);
    const writer = createDocumentWriter({ doubles: ctx.role("convert").numbers === "double", addId: false });
    // Under numbers, for a path has a dot where the field is in another.
    const names = Object.keys(paths);
    let end = 0;
    const ends = records.map(({ key }) => {
      return (end += writer.append(Object.fromEntries(paths.map((path, i) => [i, key![path]]))));
    });
    const digester = (keyDigesters[paths.length] ??= createDigester({ paths: names, id: "made" }));
    const texts: string[] = [];
    digester(writer.bytes(), ends, (key) => void texts.push(textOf(key!)));
    return texts;
  }

  /** A key's text, if it can be had of an item. */
  function textOfKey(keys: Item, table: Table): string | undefined {
    const record: SourceRecord = { op: "delete", event: "REMOVE", keys };
    try {
      ctx.role("convert").convert([record], table);
      return keyTextsOf([record], table)[0];
    } catch (error) {
      // The converter refuses what would lose digits, and the writer what is no Unicode.
      if (error instanceof MigrationError || error instanceof RangeError) return undefined;
      throw error;
    }
  }

  return {
    encode({ table }, records) {
      const encoded = encodeRecords(records, table, ctx.role("convert").numbers === "double");
      checkSizes({ ends: encoded.ends, record: (index) => records[index]! }, table);
      return encoded;
    },

    digest,
    keyTextsOf,

    keyTexts(table, bytes, ends) {
      const texts: (string | undefined)[] = [];
      digest(table, bytes, ends, (key) => void texts.push(key && textOf(key)));
      return texts;
    },

    keyOf(table, key) {
      const attributes = keyAttributes(table);
      const values = keyValues(
        key,
        attributes.map(({ type }) => type),
      );
      if (values === undefined) return undefined;
      const item: Item = {};
      attributes.forEach(({ name }, i) => setField(item, name, values[i]));
      if (!isPossibleKey(item, table)) return undefined;
      return textOfKey(item, table) === textOf(key) ? item : undefined;
    },

    decode(table, document) {
      const decoded = whole(table, () => decodeDocument(document));
      const id = decoded.fields!.get("_id");
      const kind = idOf(table);
      if (kind === "made" || (kind === "own" && id?.type === "objectId")) decoded.fields!.delete("_id");
      return decoded;
    },

    idOf(document) {
      const id = decodeDocument(document).fields!.get("_id");
      return id && extendedJson(id);
    },
  };
}

/** Says which table's documents are none. */
function whole<T>({ name }: Table, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedBson)) throw error;
    throw new MigrationError("TARGET_FAILED", `a document is no BSON, ${error.message}: table ${name}`, {
      cause: error,
      hint: "see whether another program writes there",
    });
  }
}
