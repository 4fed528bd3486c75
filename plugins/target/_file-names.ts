/** How a table's files are called, and which tables can't have such files. */
import { join } from "node:path";
import { MigrationError } from "../../core/errors.ts";
import type { Table } from "../../core/types.ts";

/** The longest name of a file, in bytes, on all usual file systems. */
const NAME_BYTES = 255;
/** The longest end that a file's name gets: a part's of the last of a million segments. */
const LONGEST_END = ".999999.bson.part";

/** Where a table's files are. */
export interface TableFiles {
  folder: string;
  /** The table's name as files have it. */
  base: string;
  /** The documents, when all of them are there. */
  bson: string;
  metadata: string;
  /** The metadata while it is written. */
  unfinishedMetadata: string;
  /** Who the parts are: the UUID that the metadata will have. */
  uuid: string;
  /** The documents of one segment. */
  part(segment: number): string;
  /** The segment of which a file's name in the folder is the part; undefined for any other file. */
  segmentOf(name: string): number | undefined;
}

/** The files of a table under its name at the target. */
export function tableFiles(folder: string, targetName: string): TableFiles {
  const base = escaped(targetName);
  const path = (end: string): string => join(folder, `${base}${end}`);
  return {
    folder,
    base,
    bson: path(".bson"),
    metadata: path(".metadata.json"),
    unfinishedMetadata: path(".metadata.json.part"),
    uuid: path(".uuid.part"),
    part: (segment) => path(`.${segment}.bson.part`),
    segmentOf(name) {
      if (!name.startsWith(`${base}.`)) return undefined;
      const [, segment] = /^(\d+)\.bson\.part$/.exec(name.slice(base.length + 1)) ?? [];
      return segment === undefined ? undefined : Number(segment);
    },
  };
}

/** What no file's name takes is escaped as mongodump does: mongorestore reads any `%xx`. */
function escaped(name: string): string {
  return Buffer.from(name)
    .toString("latin1")
    .replaceAll(/[^\w.-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/**
 * Refuses tables that can't have files of their own, all at once.
 *
 * @param renamed the name under which a table is kept that makes room, where the configuration says so
 * @throws MigrationError TABLE_UNFIT
 */
export function checkFileNames(tables: Table[], renamed?: (targetName: string) => string): void {
  const problems: string[] = [];
  const taken = new Map<string, string>();
  for (const { name, targetName } of tables) {
    const { base } = tableFiles("", targetName);
    const names = [`${base}${LONGEST_END}`, `${base}.metadata.json.part`];
    if (renamed !== undefined) names.push(`${tableFiles("", renamed(targetName)).base}.metadata.json`);
    const bytes = Math.max(...names.map((each) => each.length));
    if (bytes > NAME_BYTES) {
      problems.push(`a file's name of ${bytes} bytes is longer than ${NAME_BYTES}: table ${name}`);
    }
    // Not every file system tells them apart.
    const other = taken.get(base.toLowerCase());
    if (other !== undefined) problems.push(`tables ${other} and ${name} would have the same files`);
    taken.set(base.toLowerCase(), name);
  }
  if (problems.length === 0) return;
  throw new MigrationError("TABLE_UNFIT", problems.join("\n"), {
    hint: "rename it by a plugin, or leave the table out with filter.collection.black",
  });
}
