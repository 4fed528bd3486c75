/** What MongoDB can't name or index, found before anything is written. */
import { attributesOf, targetNameOf } from "../../core/key-of.ts";
import type { Table } from "../../core/types.ts";
import { refuseNames } from "./_names.ts";

/** The longest `database.collection`, in bytes (MongoDB 4.4 and later). */
const NAMESPACE_BYTES = 255;

/** A collection that makes room: `c1.2019-07-01Z12:10:11`, in UTC. */
export function renamedTo(collection: string, at: Date): string {
  const [date, time] = at.toISOString().split("T") as [string, string];
  return `${collection}.${date}Z${time.slice(0, 8)}`;
}

/**
 * Refuses tables that can't be kept in MongoDB under their names, all at once.
 *
 * @param userIndexes whether GSIs and LSIs are indexed too
 * @throws MigrationError TABLE_UNFIT
 */
export function checkNames(database: string, tables: Table[], userIndexes: boolean): void {
  const problems = tables.flatMap((table) => [
    ...nameProblems(database, table),
    ...keyProblems(table, userIndexes),
  ]);
  refuseNames(tables, problems);
}

function nameProblems(database: string, { name, targetName }: Table): string[] {
  const problems: string[] = [];
  if (Buffer.byteLength(`${database}.${targetName}`) > NAMESPACE_BYTES) {
    problems.push(`${database}.${targetName} is longer than ${NAMESPACE_BYTES} bytes: table ${name}`);
  }
  if (targetName === "" || targetName.startsWith("system.") || /[$\0]/.test(targetName)) {
    problems.push(`MongoDB has no collection of the name ${JSON.stringify(targetName)}: table ${name}`);
  }
  return problems;
}

function keyProblems(table: Table, userIndexes: boolean): string[] {
  const schemas = [table.keys, ...(userIndexes ? table.secondary : [])];
  const names = new Set(schemas.flatMap(attributesOf).map(targetNameOf));
  return [...names]
    .filter((name) => name.includes(".") || name.startsWith("$") || name.includes("\0"))
    .map((name) => `the key attribute ${name} can't be indexed in MongoDB: table ${table.name}`);
}
