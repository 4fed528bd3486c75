/** Indexes that a dump's data can't have: a restore would build none of the collection's with one of them among these. */
import type { FileHandle } from "node:fs/promises";
import { BSON } from "mongodb";
import { indexPattern, isSameIndex } from "../../../core/schema/indexes.ts";
import type { TargetIndex } from "../../../core/types.ts";
import { readAll, withFile } from "../../../core/host/durable-files.ts";
import { ascendingInstead, mostArrays } from "../mongodb/indexes.ts";

/** What is read at once; twice as much where a document is larger. */
const WINDOW = 4 * 1024 * 1024;
const LENGTH_BYTES = 4;
/** BSON's type of an array. */
const ARRAY = 4;

/**
 * The indexes that a file's documents can have: a user's hashed one becomes ascending where a document has an array in
 * it, or is left out. The file is read only where there is a user's index that may refuse one.
 *
 * @param warn told of those that aren't as they were planned
 */
export async function fittingIndexes(
  path: string,
  indexes: TargetIndex[],
  { signal, warn }: { signal: AbortSignal; warn: (message: string, index: string) => void },
): Promise<TargetIndex[]> {
  const candidates = indexes
    .filter(({ origin }) => origin === "user")
    .flatMap((index) => [index, ascendingInstead(index)])
    .filter((index) => index !== undefined && index.fields.length > mostArrays(index)) as TargetIndex[];
  if (candidates.length === 0) return indexes;
  const left = new Set(candidates);
  await withFile(path, "r", (file) =>
    eachDocument(file, signal, (document) => {
      const arrays = arraysIn(document);
      if (arrays.length === 0) return;
      for (const index of left) {
        const found = index.fields.filter((field) => arrays.includes(field.path)).length;
        if (found > mostArrays(index)) left.delete(index);
      }
    }),
  );

  const unfit = (index: TargetIndex): boolean =>
    candidates.some((each) => isSameIndex(each, index) && !left.has(each));
  const fitting: TargetIndex[] = [];
  for (const index of indexes) {
    const instead = unfit(index) ? ascendingInstead(index) : index;
    const kept = instead !== undefined && !unfit(instead) ? instead : undefined;
    if (kept !== index) {
      const what = `documents have a list or a set where the index ${indexPattern(index)} can't have it`;
      const becomes = kept ? `it becomes ${indexPattern(kept)}` : "it is left out";
      warn(`${what}: ${becomes}`, indexPattern(index));
    }
    if (kept !== undefined && !fitting.some((each) => isSameIndex(each, kept))) fitting.push(kept);
  }
  return fitting;
}

/** The names of a document's fields that are arrays. */
function arraysIn(document: Uint8Array): string[] {
  return [...BSON.onDemand.parseToElements(document)]
    .filter(([type]) => type === ARRAY)
    .map(([, from, length]) => Buffer.from(document.subarray(from, from + length)).toString("utf8"));
}

/** Visits the documents of a file, which is whole. */
async function eachDocument(
  file: FileHandle,
  signal: AbortSignal,
  visit: (document: Uint8Array) => void,
): Promise<void> {
  let window = Buffer.allocUnsafe(WINDOW);
  for (let at = 0; ;) {
    signal.throwIfAborted();
    const bytes = await readAll(file, window, at);
    let start = 0;
    while (start + LENGTH_BYTES <= bytes) {
      const end = start + window.readInt32LE(start);
      if (end > bytes) break;
      visit(window.subarray(start, end));
      start = end;
    }
    if (bytes < window.length) return;
    if (start === 0) window = Buffer.allocUnsafe(2 * window.length);
    at += start;
  }
}
