/** A collection's documents as the bytes that the server sends, page by page in the order of `_id`. */
import type { Db, Document } from "mongodb";
import { cstringEnd, int32At, MalformedBson, valueEnd } from "../../_bson/elements.ts";
import { extendedJson, fromExtendedJson } from "../../_bson/extended-json.ts";
import { decodeDocument } from "../../_bson/stored-value.ts";
import type { StoredPage } from "../../../core/plugin/stored.ts";
import type { Position } from "../../../core/types.ts";

/** What a page is to have. */
const PAGE_BYTES = 2 * 1024 * 1024;
/** Before anybody knows how large documents are. */
const FIRST_LIMIT = 256;
const MOST_DOCUMENTS = 50_000;
/** What stands in front of an `_id`'s value: its document's length, its type and its name. */
const [ID_TYPE, ID_VALUE] = [4, 9];

const MAX_KEY = { $maxKey: 1 };
const MAJORITY = { level: "majority" } as const;

/** What {@link storedPages} takes beside the collection's name. */
export interface PagesOptions {
  from: Position | undefined;
  /** Whether an `_id` can be there more than once: shards don't know of each other's. */
  sharded: boolean;
  /** Makes a call until it is answered. */
  ask: <T>(call: (db: Db) => Promise<T>) => Promise<T>;
  signal: AbortSignal;
}

/** All documents. Each page is a query of its own that may be made again; a position is the last page's last `_id`. */
export async function* storedPages(
  name: string,
  { from, sharded, ask, signal }: PagesOptions,
): AsyncGenerator<StoredPage> {
  let position = from;
  let limit = FIRST_LIMIT;
  for (;;) {
    signal.throwIfAborted();
    const after = position?.["after"]?.S;
    const documents = await ask((db) => query(db, name, { after, limit }));
    // A server ends an answer when it likes, before a large document, say.
    if (documents.ends.length === 0) {
      // A lower bound of the index leaves its very last place out.
      const leavesOut = after !== undefined && after !== JSON.stringify(MAX_KEY);
      const last = leavesOut ? await withAllOf(MAX_KEY, documents, name, ask) : documents;
      return yield { ...last, position: undefined };
    }
    const id = idOf(documents);
    const whole = sharded ? await withAllOf(id, documents, name, ask) : documents;
    position = { after: { S: JSON.stringify(id) } };
    yield { ...whole, position };
    const average = documents.bytes.length / documents.ends.length;
    limit = Math.min(MOST_DOCUMENTS, Math.max(1, Math.ceil(PAGE_BYTES / average)));
  }
}

type Documents = Pick<StoredPage, "bytes" | "ends">;

async function query(
  db: Db,
  name: string,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Documents> {
  const last = after === undefined ? undefined : fromExtendedJson(JSON.parse(after));
  const answer: Document = await db.command(
    {
      find: name,
      sort: { _id: 1 },
      hint: "_id_",
      // A bound of the index, for a filter with $gt sees ids of one type only. It includes the last one itself.
      ...(after !== undefined && { min: { _id: last }, filter: { _id: { $ne: last } } }),
      limit,
      batchSize: limit,
      singleBatch: true,
      readConcern: MAJORITY,
    },
    { raw: true },
  );
  return joined(answer["cursor"] as Buffer);
}

/** The documents of an answer's cursor, moved together over what stands between them. */
function joined(cursor: Buffer): Documents {
  const bytes = firstBatch(cursor);
  const ends: number[] = [];
  let to = 0;
  // Each is an element: a type, its number and a NUL in front.
  for (let at = 4; at < bytes.length - 1;) {
    const start = bytes.indexOf(0, at) + 1;
    at = start + int32At(bytes, start);
    bytes.copyWithin(to, start, at);
    to += at - start;
    ends.push(to);
  }
  return { bytes: bytes.subarray(0, to), ends };
}

function firstBatch(cursor: Buffer): Buffer {
  for (let at = 4; at < cursor.length - 1;) {
    const value = cstringEnd(cursor, at + 1) + 1;
    const end = valueEnd(cursor, cursor[at]!, value);
    if (cursor.toString("latin1", at + 1, value - 1) === "firstBatch") return cursor.subarray(value, end);
    at = end;
  }
  throw new MalformedBson("an answer without documents");
}

/** The last document's `_id`. */
function idOf({ bytes, ends }: Documents): unknown {
  const last = decodeDocument(bytes.subarray(ends.at(-2) ?? 0, ends.at(-1)));
  return extendedJson(last.fields!.get("_id")!);
}

/** A page with all documents of an `_id` at its end: of its last one another shard may have some that had no room in it. */
async function withAllOf(
  id: unknown,
  { bytes, ends }: Documents,
  name: string,
  ask: PagesOptions["ask"],
): Promise<Documents> {
  const filter = { _id: fromExtendedJson(id) } as Document;
  const found = (await ask((db) =>
    db.collection(name).find(filter, { raw: true, readConcern: MAJORITY }).toArray(),
  )) as unknown as Uint8Array[];
  if (found.length === 0) return { bytes, ends };
  const ids = new Set(found.map((document) => idText(document, 0)));
  let kept = ends.length;
  while (kept > 0 && ids.has(idText(bytes, ends[kept - 2] ?? 0))) kept--;
  let end = ends[kept - 1] ?? 0;
  return {
    bytes: Buffer.concat([bytes.subarray(0, end), ...found]),
    ends: [...ends.slice(0, kept), ...found.map((document) => (end += document.length))],
  };
}

/** The type and value of an `_id`, which the server keeps in front, as text. */
function idText(bytes: Uint8Array, document: number): string {
  const type = document + ID_TYPE;
  const end = valueEnd(bytes, bytes[type]!, document + ID_VALUE);
  return Buffer.from(bytes.subarray(type, end)).toString("latin1");
}
