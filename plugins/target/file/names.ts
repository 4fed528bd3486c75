/** How a table's files are called, and which tables can't have such files. */
import { join } from "node:path";
import { MigrationError } from "../../../core/errors.ts";
import type { Table } from "../../../core/types.ts";

/** The longest name of a file, in bytes, on all usual file systems. */
const NAME_BYTES = 255;
/** The longest ends that a file's name gets: a part's of the last of a million segments, and the metadata's. */
const ENDS = [".999999.bson.part", ".metadata.json.part"];

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

/**
 * The files of a table under its name at the target.
 *
 * @param spelled whether capitals are escaped too, since another table's name differs by case only
 */
export function tableFiles(folder: string, targetName: string, spelled = false): TableFiles {
  const base = escaped(targetName, spelled ? /[^a-z0-9_.-]/g : /[^\w.-]/g);
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
function escaped(name: string, signs: RegExp): string {
  return Buffer.from(name)
    .toString("latin1")
    .replaceAll(signs, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** The names at the target that another one differs from by case only: not every file system tells them apart. */
export function sameButForCase(tables: Table[]): ReadonlySet<string> {
  const lower = (name: string): string => tableFiles("", name).base.toLowerCase();
  const names = [...new Set(tables.map(({ targetName }) => targetName))];
  return new Set(
    names.filter((name) => names.some((other) => other !== name && lower(other) === lower(name))),
  );
}

/**
 * Refuses tables whose files would have names that are too long, all at once.
 *
 * @param filesOf a table's, or those it is to be renamed to
 * @param ends of these files' names
 * @throws MigrationError TABLE_UNFIT
 */
export function checkFileNames(
  tables: Table[],
  filesOf: (table: Table) => TableFiles,
  ends: string[] = ENDS,
): void {
  const problems = tables.flatMap((table) => {
    const { base } = filesOf(table);
    const bytes = base.length + Math.max(...ends.map((end) => end.length));
    const what = `a file's name of ${bytes} bytes is longer than ${NAME_BYTES}: table ${table.name}`;
    return bytes > NAME_BYTES ? [what] : [];
  });
  if (problems.length === 0) return;
  throw new MigrationError("TABLE_UNFIT", problems.join("\n"), {
    hint: "rename it by a plugin, or leave the table out with filter.collection.black",
  });
}
