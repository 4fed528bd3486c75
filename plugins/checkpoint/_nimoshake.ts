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

/** The status as NimoShake writes it. */
export function statusDocument(status: unknown): { Key: string; StatusValue: unknown } {
  return { Key: KEY, StatusValue: status };
}
