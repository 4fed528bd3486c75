/** The last step of a table: its parts become one file. Stopped anywhere, it can be done again after a resume. */
import type { FileHandle } from "node:fs/promises";
import { MigrationError } from "../../../core/errors.ts";
import type { IndexOptions } from "../../../core/plugin/roles.ts";
import type { TargetIndex } from "../../../core/types.ts";
import { readAll, withFile, writeAll } from "../../../core/host/durable-files.ts";
import { exists, renameFile, writeText } from "./disk.ts";
import { fittingIndexes } from "./indexes.ts";
import { metadataText, newUuid, text } from "./metadata.ts";
import type { TableFiles } from "./names.ts";
import type { Part } from "./part.ts";
import { isThere, type Parts, removeLeftovers, segmentsOf } from "./table.ts";

/** What is copied at once. */
const WINDOW = 4 * 1024 * 1024;

/** What is assembled. */
export interface Assembly {
  files: TableFiles;
  parts: Parts;
  /** The collection's name. */
  collection: string;
  indexes: TargetIndex[];
  /** Told of an index that the data can't have. */
  warn: (message: string, index: string) => void;
}

/**
 * Makes `<table>.bson` of the parts, in the order of the segments, and its metadata. The other parts stay until the
 * file has its name: before, the first part can be cut back to what it was.
 *
 * @returns how many indexes the metadata has
 */
export async function assemble(assembly: Assembly, options: IndexOptions): Promise<number> {
  const { files, parts, collection, warn } = assembly;
  let { indexes } = assembly;
  const unfinished = (await segmentsOf(files)).includes(0);
  if (await exists(files.bson)) {
    if (unfinished) throw isThere(files.bson);
  } else {
    const [first, ...others] = inOrder(parts);
    if (!unfinished || first === undefined || first.path !== files.part(0)) throw gone(files);
    await join(first, others, options);
    indexes = await fittingIndexes(first.path, indexes, { signal: options.signal, warn });
    const uuid = (await text(files.uuid)) || newUuid();
    await writeText(files.unfinishedMetadata, metadataText(collection, uuid, indexes));
    await renameFile(files.unfinishedMetadata, files.metadata);
    await renameFile(first.path, files.bson);
  }
  await removeLeftovers(files);
  options.onProgress?.(1);
  return indexes.length;
}

function inOrder(parts: Parts): Part[] {
  return [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
}

/** Appends the other parts to the first. */
async function join(first: Part, others: Part[], { signal, onProgress }: IndexOptions): Promise<void> {
  await Promise.all([first, ...others].map((part) => part.idle()));
  const all = others.reduce((sum, part) => sum + part.size, 0);
  await withFile(first.path, "r+", async (into) => {
    if ((await into.stat()).size < first.size) throw shorter(first.path);
    // A try before this one may have appended something.
    await into.truncate(first.size);
    const window = Buffer.allocUnsafe(Math.min(WINDOW, all));
    let done = 0;
    for (const part of others) {
      if (part.size === 0) continue;
      const before = first.size + done;
      await withFile(part.path, "r", async (from) => {
        for await (const bytes of pieces(from, part, window)) {
          signal.throwIfAborted();
          await writeAll(into, bytes.data, before + bytes.at);
          onProgress?.((done + bytes.at + bytes.data.length) / all);
        }
      });
      done += part.size;
    }
    await into.sync();
  });
}

async function* pieces(
  file: FileHandle,
  { path, size }: Part,
  window: Buffer,
): AsyncGenerator<{ data: Buffer; at: number }> {
  for (let at = 0; at < size;) {
    const data = window.subarray(0, Math.min(window.length, size - at));
    if ((await readAll(file, data, at)) < data.length) throw shorter(path);
    yield { data, at };
    at += data.length;
  }
}

function gone({ base, folder }: TableFiles): MigrationError {
  return new MigrationError("TARGET_FAILED", `the parts of ${base} are gone: folder ${folder}`, {
    hint: "see whether another program removes files there; start over with --fresh",
  });
}

function shorter(path: string): MigrationError {
  return new MigrationError("TARGET_FAILED", `the file has become shorter: ${path}`, {
    hint: "see whether another program writes there; start over with --fresh",
  });
}
