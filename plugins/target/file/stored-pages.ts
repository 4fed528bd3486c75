/** A dump's documents, as many at once as a window has. */
import { MigrationError } from "../../../core/errors.ts";
import { int32At } from "../../_bson/elements.ts";
import { DOCUMENT_BYTES } from "../_documents.ts";
import { readAll, withFile } from "../../../core/host/durable-files.ts";

/** What is read at once; more where a document is larger. */
const WINDOW = 4 * 1024 * 1024;
const LENGTH_BYTES = 4;
/** A document without fields: its length and a NUL. */
const EMPTY_DOCUMENT = 5;

/** See `StoredPage`. */
export interface FilePage {
  bytes: Uint8Array;
  ends: number[];
  /** Where the page ends in the file, in bytes; undefined: there it ends too. */
  end: number | undefined;
}

/**
 * All documents from an offset on. The file is open only while a page is read.
 *
 * @throws MigrationError TARGET_FAILED where no whole document stands
 */
export async function* storedPages(
  path: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<FilePage, undefined> {
  let window = Buffer.allocUnsafe(WINDOW);
  for (let at = from; ;) {
    signal.throwIfAborted();
    const { read, size } = await withFile(path, "r", async (file) => ({
      size: (await file.stat()).size,
      read: await readAll(file, window, at),
    }));
    if (at > size) throw torn(path, at, size);
    const bytes = window.subarray(0, read);
    const ends = endsIn(bytes);
    const end = at + (ends.at(-1) ?? 0);
    if (ends.length === 0 && read > 0) {
      const length = read < LENGTH_BYTES ? 0 : int32At(bytes, 0);
      if (length <= window.length || length > DOCUMENT_BYTES || at + length > size)
        throw torn(path, at, size);
      window = Buffer.allocUnsafe(length);
      continue;
    }
    yield { bytes: bytes.subarray(0, end - at), ends, end: end < size ? end : undefined };
    if (end >= size) return undefined;
    at = end;
  }
}

/** Where the whole documents end. */
function endsIn(bytes: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at + LENGTH_BYTES <= bytes.length;) {
    const length = int32At(bytes, at);
    const end = at + length;
    if (length < EMPTY_DOCUMENT || end > bytes.length || bytes[end - 1] !== 0) break;
    ends.push(end);
    at = end;
  }
  return ends;
}

function torn(path: string, at: number, size: number): MigrationError {
  const what = `at byte ${at} of ${size} is no whole document: ${path}`;
  return new MigrationError("TARGET_FAILED", what, {
    hint: "see whether another program writes there; start over with --fresh",
  });
}
