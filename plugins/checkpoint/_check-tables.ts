/** The tables whose states can't be kept apart, found before anything is written. */
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MigrationError } from "../../core/errors.ts";
import type { Table } from "../../core/types.ts";
import { STATUS_TABLE } from "./_nimoshake.ts";

/** The longest `database.collection`, in bytes. */
const NAMESPACE_BYTES = 255;

/**
 * Refuses what NimoShake's layout has no place for.
 *
 * @param problems further ones
 * @throws MigrationError TABLE_UNFIT
 */
export function refuseTables(tables: Table[], place: string, problems: string[] = []): void {
  const all = tables.some(({ name }) => name === STATUS_TABLE)
    ? [`the checkpoint keeps its status under that name: table ${STATUS_TABLE}`, ...problems]
    : problems;
  if (all.length === 0) return;
  throw new MigrationError("TABLE_UNFIT", `${all.join("\n")}: ${place}`, {
    hint: "leave the table out with filter.collection.black, or set checkpoint.type or checkpoint.db to another",
  });
}

/** Tables whose rows can't have a collection in a database. */
export function collectionProblems(database: string, tables: Table[]): string[] {
  return tables.flatMap(({ name }) => [
    ...(Buffer.byteLength(`${database}.${name}`) > NAMESPACE_BYTES
      ? [`${database}.${name} is longer than ${NAMESPACE_BYTES} bytes: table ${name}`]
      : []),
    ...(/^system\.|\.system\./.test(name) ? [`MongoDB keeps such names for itself: table ${name}`] : []),
    ...(/^$|^\.|[$\0]/.test(name) ? [`no collection can have that name: table ${name}`] : []),
  ]);
}

/** The longest name of a file, in bytes, on all usual file systems. */
const NAME_BYTES = 255;
/** A way elsewhere, the folder itself and the one above it, and what steers terminals. A source may send anything. */
const NO_FILE_NAME = /[/\p{Cc}]|^\.{0,2}$/u;
/** The same of Windows, whose devices have their names whatever stands behind a dot. */
const NO_WINDOWS_NAME = /[\\:*?"<>|]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** A table's rows are in a file of its name, as NimoShake has it: nothing of it may lead elsewhere. */
function nameProblem(name: string): string | undefined {
  if (NO_FILE_NAME.test(name) || (process.platform === "win32" && NO_WINDOWS_NAME.test(name)))
    return `no file can have that name: table ${name}`;
  if (Buffer.byteLength(name) > NAME_BYTES)
    return `no file's name is longer than ${NAME_BYTES} bytes: table ${name}`;
  return undefined;
}

/**
 * Tables whose rows can't have a file: because of their names, or because another one has it, where the disk takes two
 * names for one that differ by case only.
 */
export async function fileProblems(folder: string, tables: Table[]): Promise<string[]> {
  const unfit = tables.flatMap(({ name }) => nameProblem(name) ?? []);
  return [...unfit, ...(await sharedFiles(folder, tables))];
}

async function sharedFiles(folder: string, tables: Table[]): Promise<string[]> {
  const taken = new Map([[STATUS_TABLE, STATUS_TABLE]]);
  const problems: string[] = [];
  for (const { name } of tables) {
    const other = taken.get(name.toLowerCase());
    if (other !== undefined && other !== name) problems.push(`${other} and ${name} would have the same file`);
    taken.set(name.toLowerCase(), name);
  }
  return problems.length > 0 && (await ignoresCase(folder)) ? problems : [];
}

/** Whether a folder that is there has the name in the other case too, looking from here up. */
async function ignoresCase(folder: string): Promise<boolean> {
  for (let at = resolve(folder); dirname(at) !== at; at = dirname(at)) {
    const other = join(dirname(at), swapped(basename(at)));
    if (other === at) continue;
    const [here, there] = await Promise.all([at, other].map((path) => stat(path).catch(() => undefined)));
    if (here !== undefined) return here.ino === there?.ino && here.dev === there.dev;
  }
  return false;
}

function swapped(name: string): string {
  return name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
}
