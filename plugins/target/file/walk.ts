/** From document to document of a dump by their lengths. */
import type { FileHandle } from "node:fs/promises";
import { DOCUMENT_BYTES } from "../_documents.ts";
import { readAll } from "../../../core/host/durable-files.ts";

/** What is read at once: thousands of small documents. */
const WINDOW = 4 * 1024 * 1024;
const LENGTH_BYTES = 4;
/** A document without fields: its length and a NUL. */
const EMPTY_DOCUMENT = 5;

/** What {@link walk} takes beside the file. */
export interface WalkOptions {
  /** Stops behind so many documents; default: at the end. */
  most?: number;
  signal: AbortSignal;
}

/** How far a file is whole. */
export interface Walked {
  documents: number;
  /** Where the last of them ends, in bytes. */
  end: number;
  /** The file's size, in bytes. */
  size: number;
}

/** Counts the whole documents from a file's beginning, up to the first that is none: cut off, zeros, garbage. */
export async function walk(
  file: FileHandle,
  { most = Number.POSITIVE_INFINITY, signal }: WalkOptions,
): Promise<Walked> {
  const { size } = await file.stat();
  const window = Buffer.allocUnsafe(Math.min(WINDOW, size));
  /** Which bytes of the file are in the window. */
  let from = 0;
  let to = 0;
  let documents = 0;
  let end = 0;

  async function load(at: number): Promise<void> {
    signal.throwIfAborted();
    from = at;
    to = at + (await readAll(file, window, at));
  }

  while (documents < most && end + EMPTY_DOCUMENT <= size) {
    if (end + LENGTH_BYTES > to) await load(end);
    const length = window.readInt32LE(end - from);
    const next = end + length;
    if (length < EMPTY_DOCUMENT || length > DOCUMENT_BYTES || next > size) break;
    // A document's last byte is a NUL.
    if (next > to) await load(next - 1);
    if (window[next - 1 - from] !== 0) break;
    end = next;
    documents++;
  }
  return { documents, end, size };
}
