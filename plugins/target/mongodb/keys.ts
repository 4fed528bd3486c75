/** All documents of a collection, page by page. */
import { BSON, type Collection, type Document } from "mongodb";
import { type RetryOptions, withRetry } from "../../../core/flow/retry.ts";
import type { TargetDocument } from "../../../core/types.ts";
import { patiently } from "../../_mongodb/client.ts";

/** Documents of one page. */
const PAGE = 2000;

/**
 * All documents of a collection in pages, by `_id`, each page a query of its own that may be made again.
 *
 * @param paths the fields wanted
 */
export async function* keyPages(
  collection: Collection,
  paths: string[],
  { retry, signal, abandon }: { retry: RetryOptions; signal: AbortSignal; abandon: AbortSignal },
): AsyncIterable<TargetDocument[]> {
  const projection = Object.fromEntries([...paths, "_id"].map((path) => [path, 1]));
  let last: Document | undefined;
  for (;;) {
    signal.throwIfAborted();
    // Bounds of the index, because a filter with $gt finds ids of one type only. They include the last page's last id.
    const bounds = last === undefined ? {} : { min: { _id: last["_id"] } };
    const options = { projection, promoteValues: false, hint: "_id_", sort: { _id: 1 }, ...bounds } as const;
    const limit = last === undefined ? PAGE : PAGE + 1;
    const ask = (): Promise<Document[]> => collection.find({}, { ...options, limit }).toArray();
    const found = await withRetry(() => patiently(ask(), abandon), retry);
    // It is left out, unless it was deleted meanwhile. A document that comes twice does no harm.
    const page = last !== undefined && isSame(found[0], last) ? found.slice(1) : found;
    if (page.length > 0) yield page;
    if (found.length < limit) return;
    last = found.at(-1);
  }
}

function isSame(document: Document | undefined, other: Document): boolean {
  return (
    document !== undefined && BSON.EJSON.stringify(document["_id"]) === BSON.EJSON.stringify(other["_id"])
  );
}
