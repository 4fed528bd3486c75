/** What MongoDB can't name or index, found before anything is written. */
import { MigrationError } from "../../../core/errors.ts";
import { attributesOf, targetNameOf } from "../../../core/schema/keys.ts";
import type { IndexKeySchema, Table } from "../../../core/types.ts";
import { refuseNames } from "../_names.ts";

/** The longest `database.collection`, in bytes (MongoDB 4.4 and later). */
const NAMESPACE_BYTES = 255;
/** The same where it is sharded. */
const SHARDED_NAMESPACE_BYTES = 235;

/** A collection that makes room: `c1.2019-07-01Z12:10:11`, in UTC. */
export function renamedTo(collection: string, at: Date): string {
  const [date, time] = at.toISOString().split("T") as [string, string];
  return `${collection}.${date}Z${time.slice(0, 8)}`;
}

/** What {@link checkNames} takes beside the tables. */
export interface NameOptions {
  database: string;
  /** Whether the collections are sharded. */
  sharded?: boolean;
}

/**
 * Refuses tables that can't be kept in MongoDB under their names, all at once.
 *
 * @throws MigrationError TABLE_UNFIT
 */
export function checkNames(tables: Table[], { database, sharded = false }: NameOptions): void {
  const most = sharded ? SHARDED_NAMESPACE_BYTES : NAMESPACE_BYTES;
  const problems = tables.flatMap((table) => [
    ...nameProblems(database, table.targetName, most).map((problem) => `${problem}: table ${table.name}`),
    ...keyProblems(table, [table.keys]),
  ]);
  refuseNames(tables, problems);
}

/**
 * Refuses a table of whose secondary indexes' keys MongoDB can't have an index.
 *
 * @throws MigrationError TABLE_UNFIT
 */
export function checkIndexNames(table: Table): void {
  refuseNames([table], keyProblems(table, table.secondary));
}

/**
 * Refuses tables whose collections can't be renamed to make room, all at once.
 *
 * @param at the run's time
 * @param kinds what the database has, by name: "collection", "view" or another kind
 * @throws MigrationError TABLE_UNFIT
 */
export function checkRenames(
  database: string,
  tables: Table[],
  at: Date,
  kinds: ReadonlyMap<string, string> = new Map(),
): void {
  const problems = tables.flatMap(({ name, targetName }) => {
    const to = renamedTo(targetName, at);
    const kind = kinds.get(targetName) ?? "collection";
    const found = nameProblems(database, to, NAMESPACE_BYTES);
    if (kind !== "collection") found.push(`MongoDB renames no ${kind}`);
    if (kinds.has(to)) found.push(`${to} is there already`);
    return found.map((problem) => `${targetName} can't be renamed, ${problem}: table ${name}`);
  });
  if (problems.length === 0) return;
  throw new MigrationError("TABLE_UNFIT", problems.join("\n"), {
    hint: "rename what is there yourself, set target.db.exist = drop, or leave the table out with filter.collection.black",
  });
}

function nameProblems(database: string, collection: string, most: number): string[] {
  const problems: string[] = [];
  const bytes = Buffer.byteLength(`${database}.${collection}`);
  if (bytes > most) problems.push(`${database}.${collection} has ${bytes} bytes, more than ${most}`);
  if (/^$|^\.|^system\.|\.system\.|[$\0]/.test(collection)) {
    problems.push(`MongoDB has no collection of the name ${JSON.stringify(collection)}`);
  }
  return problems;
}

function keyProblems(table: Table, schemas: IndexKeySchema[]): string[] {
  const names = new Set(schemas.flatMap(attributesOf).map(targetNameOf));
  return [...names]
    .filter((name) => /^$|^\$|[.\0]|^_fts$/.test(name))
    .map((name) => `the key attribute ${name} can't be indexed in MongoDB: table ${table.name}`);
}
