/** A table's files: what is there, making room, making a place, going on from one. Every step may be repeated. */
import { copyFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "../../../core/errors.ts";
import { makeFolder, syncFolder, withFile } from "../../../core/host/durable-files.ts";
import type { Resumption } from "../../../core/plugin/roles.ts";
import { exists, isMissing, removeFiles, renameFile, writeText } from "./disk.ts";
import { fileIdentity, newUuid, text, uuidInMetadata } from "./metadata.ts";
import type { TableFiles } from "./names.ts";
import { createPart, type Part } from "./part.ts";
import { walk } from "./walk.ts";

/** A table's parts by segment. */
export type Parts = Map<number, Part>;

/**
 * What is there of a table: the UUID, which the parts and the finished file have in common; for files that aren't of
 * this tool something as good.
 */
export async function findFiles(files: TableFiles): Promise<string | undefined> {
  if (await exists(files.bson)) {
    return (await uuidInMetadata(files.metadata)) ?? (await fileIdentity(files.bson));
  }
  if ((await segmentsOf(files)).length === 0) return undefined;
  return (await text(files.uuid)) || "parts";
}

/**
 * Refuses files of a table that lie where this version doesn't keep them: a restore would take them too, and a run that
 * has begun them would begin again.
 *
 * @param files those that the table has
 * @param others where they aren't to be
 * @throws MigrationError TARGET_EXISTS
 */
export async function refuseElsewhere(files: TableFiles, others: TableFiles): Promise<void> {
  const path = (name: string): string => join(others.folder, name);
  const names = await namesIn(others.folder);
  // By its name as the disk has it: where case is ignored, another table's file answers to it.
  const found = names.find((name) => path(name) === others.bson || others.segmentOf(name) !== undefined);
  if (found === undefined) return;
  throw new MigrationError(
    "TARGET_EXISTS",
    `there are files of ${files.base} under another name: ${path(found)}`,
    {
      hint: `to go on with them rename ${join(others.folder, others.base)}.* to ${join(files.folder, files.base)}.*, else move them away`,
    },
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

/** The segments that have a part, in their order. */
export async function segmentsOf(files: TableFiles): Promise<number[]> {
  const segments = (await namesIn(files.folder))
    .map((name) => files.segmentOf(name))
    .filter((segment) => segment !== undefined);
  return segments.toSorted((a, b) => a - b);
}

/** Removes a table. What tells whose it is goes last: after a crash it is still the same. */
export async function dropFiles(files: TableFiles): Promise<void> {
  await removeFiles(files.folder, [files.bson]);
  await removeFiles(files.folder, [files.metadata]);
  await removeLeftovers(files);
}

/** Renames a finished table out of the way; of an unfinished one nothing can be used. */
export async function renameFiles(files: TableFiles, to: TableFiles): Promise<void> {
  if (await exists(files.bson)) {
    for (const path of [to.bson, to.metadata]) if (await exists(path)) throw isThere(path);
    // Copied, because it tells whose the documents are as long as they are here.
    if (await exists(files.metadata)) {
      await copyFile(files.metadata, to.metadata);
      await withFile(to.metadata, "r+", (file) => file.sync());
    }
    await renameFile(files.bson, to.bson);
    await removeFiles(files.folder, [files.metadata]);
  }
  await removeLeftovers(files);
}

/** Removes the parts and what belongs to them. */
export async function removeLeftovers(files: TableFiles): Promise<void> {
  const parts = (await segmentsOf(files)).map(files.part);
  await removeFiles(files.folder, [...parts, files.unfinishedMetadata]);
  await removeFiles(files.folder, [files.uuid]);
}

/** Makes a table's place: the folder, a UUID and an empty part. What an earlier process left of that is made anew. */
export async function createFiles(files: TableFiles): Promise<Parts> {
  await makeFolder(files.folder);
  if (await exists(files.bson)) throw isThere(files.bson);
  for (const segment of await segmentsOf(files)) {
    const path = files.part(segment);
    if ((await stat(path)).size > 0) throw isThere(path);
  }
  await removeLeftovers(files);
  await removeFiles(files.folder, [files.metadata]);
  await writeText(files.uuid, `${newUuid()}\n`);
  await syncFolder(files.folder);
  return new Map([[0, await createFirst(files)]]);
}

async function createFirst(files: TableFiles): Promise<Part> {
  const path = files.part(0);
  await withFile(path, "wx", (file) => file.sync());
  await syncFolder(files.folder);
  return createPart(path, 0);
}

/**
 * Cuts every part back to the documents that are known to be written, and removes what belongs to no unit. A finished
 * table is left as it is: its last step was only not noted.
 *
 * @returns the parts, to be written on
 * @throws MigrationError CHECKPOINT_FAILED when documents are missing
 */
export async function resumeFiles(
  files: TableFiles,
  units: Resumption["units"],
  signal: AbortSignal,
): Promise<Parts> {
  const parts: Parts = new Map();
  const there = new Set(await segmentsOf(files));
  if ((await exists(files.bson)) && !there.has(0)) {
    await removeLeftovers(files);
    return parts;
  }
  for (const { unit, written } of units) {
    const { segment } = unit;
    const path = files.part(segment);
    if (there.delete(segment)) {
      parts.set(segment, createPart(path, await cut(path, written, signal)));
    } else if (written > 0) {
      throw missing(path, 0, written);
    } else if (segment === 0) {
      parts.set(segment, await createFirst(files));
    }
  }
  await removeFiles(files.folder, [...there].map(files.part));
  return parts;
}

/** Cuts a part off behind so many documents; gives its size then. */
async function cut(path: string, written: number, signal: AbortSignal): Promise<number> {
  return withFile(path, "r+", async (file) => {
    const { documents, end, size } = await walk(file, { most: written, signal });
    if (documents < written) throw missing(path, documents, written);
    if (end < size) await file.truncate(end);
    await file.sync();
    return end;
  });
}

/**
 * The documents of a finished table, or of all its parts.
 *
 * @throws MigrationError TARGET_FAILED when a file doesn't end with a document
 */
export async function countDocuments(files: TableFiles, signal: AbortSignal): Promise<number> {
  const segments = await segmentsOf(files);
  const finished = !segments.includes(0) && (await exists(files.bson));
  let count = 0;
  for (const path of finished ? [files.bson] : segments.map(files.part)) {
    const { documents, end, size } = await withFile(path, "r", (file) => walk(file, { signal }));
    if (end < size) {
      throw new MigrationError(
        "TARGET_FAILED",
        `behind ${documents} documents, at byte ${end} of ${size}, is no whole one: ${path}`,
        { hint: "see whether another program writes there; start over with --fresh" },
      );
    }
    count += documents;
  }
  return count;
}

/** Says that a file is there which isn't this migration's. */
export function isThere(path: string): MigrationError {
  return new MigrationError("TARGET_EXISTS", `there is a file already: ${path}`, {
    hint: "set target.db.exist to rename or drop, or move the file away",
  });
}

function missing(path: string, found: number, written: number): MigrationError {
  return new MigrationError(
    "CHECKPOINT_FAILED",
    `${written} documents were written, ${found} are there: ${path}`,
    { hint: "another program has changed the file: start over with --fresh" },
  );
}
