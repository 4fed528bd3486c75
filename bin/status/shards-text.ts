/** The shards of a status: those that are most behind, and how many there are. */
import type { ShardEntry, TableEntry } from "../../core/run/status-document.ts";
import { formatCount } from "../format.ts";
import { oneLine } from "../log/plain-text.ts";
import { columns, spanText } from "./columns.ts";

/** Of more shards their number is shown. */
const MOST_SHARDS = 10;
const TITLES = ["shard", "table", "state", "position", "last record", "behind"];
/** What a narrow terminal has no room for, the first one first. */
const SPARE = ["position", "last record"];

/** The lines; none where nothing is followed. */
export function shardLines(tables: TableEntry[], most: number = MOST_SHARDS, width?: number): string[] {
  const all = tables.flatMap(({ name, stream }) =>
    (stream?.shards ?? []).map((shard) => ({ table: name, ...shard })),
  );
  if (all.length === 0) return [];
  const open = all
    .filter(({ status }) => status === "running" || status === "waiting")
    .toSorted((a, b) => behind(b) - behind(a) || (a.id < b.id ? -1 : 1));
  const shown = open.slice(0, Math.max(0, most));
  const lines = shown.length === 0 ? [] : columns(TITLES, shown.map(row), { width, spare: SPARE });
  return ["", ...lines, countText(all, shown.length)];
}

function behind({ lagSeconds }: ShardEntry): number {
  return lagSeconds === null ? Number.MAX_VALUE : Math.floor(lagSeconds);
}

function row({
  table,
  id,
  status,
  sequenceNumber,
  recordAgeSeconds,
  lagSeconds,
}: ShardEntry & { table: string }): string[] {
  return [
    oneLine(id),
    oneLine(table),
    status,
    sequenceNumber === null ? "from the oldest record" : oneLine(sequenceNumber),
    recordAgeSeconds === null ? "" : `${spanText(recordAgeSeconds)} ago`,
    lagSeconds === null ? "" : spanText(lagSeconds),
  ];
}

function countText(all: ShardEntry[], shown: number): string {
  const counts = new Map<string, number>();
  for (const { status } of all) counts.set(status, (counts.get(status) ?? 0) + 1);
  const states = [...counts].map(([status, count]) => `${formatCount(count)} ${status}`).join(", ");
  const what = all.length === 1 ? "shard" : "shards";
  return `${formatCount(all.length)} ${what}: ${states}${shown < all.length && shown > 0 ? "; those most behind are shown" : ""}`;
}
