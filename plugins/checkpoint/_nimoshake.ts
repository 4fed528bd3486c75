/** The names that are kept in NimoShake's layout instead of our own, and what is there. */

/** The name of the streams' status, whose only part is called the same. */
export const STATUS = "status";
/** Where NimoShake keeps it. */
export const STATUS_TABLE = "status_table";
const SHARDS = "shards:";
const KEY = "status_key";

/** What is kept under a name of NimoShake's: a table's shards, or the status; undefined: it is one of ours. */
export function originalName(name: string): { table: string } | "status" | undefined {
  if (name === STATUS) return "status";
  return name.startsWith(SHARDS) ? { table: name.slice(SHARDS.length) } : undefined;
}

/**
 * What goes with a migration's own names in NimoShake's layout: the shards of its tables, and the status. That stays
 * where something is of others: NimoShake would begin anew without it.
 *
 * @param there the names of all that is in its place
 */
export function originalsAmong(
  there: readonly string[],
  own: readonly string[],
): { names: string[]; isShared: boolean } {
  const tables = new Set(own.flatMap((name) => /^(?:table|stream):(.*)$/s.exec(name)?.[1] ?? []));
  const names = there.filter((place) => tables.has(place)).map((table) => SHARDS + table);
  if (!there.includes(STATUS_TABLE)) return { names, isShared: false };
  const isShared = there.some((place) => place !== STATUS_TABLE && !tables.has(place));
  return { names: isShared ? names : [...names, STATUS], isShared };
}

/** The status as NimoShake writes it. */
export function statusDocument(status: unknown): { Key: string; StatusValue: unknown } {
  return { Key: KEY, StatusValue: status };
}
