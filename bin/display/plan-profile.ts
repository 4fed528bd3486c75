/** What a sample of a table has told, for people. */
import type { AttributeProfile } from "../../core/check/attributes.ts";
import type { TablePlan } from "../../core/check/plan.ts";
import type { TableProfile } from "../../core/check/profile.ts";
import { formatCount, formatSize } from "../format.ts";
import { plainText } from "../log/plain-text.ts";
import { drawTable, type TableOptions } from "./table.ts";

/** Of more attributes only the most frequent are shown. */
const MOST_ATTRIBUTES = 30;
/** Of more samples only those of the largest tables are shown, and of each the largest items. */
const MOST_TABLES = 10;
const MOST_LARGE = 3;

/** Those of the largest tables. */
export function profilesLines(tables: TablePlan[], options: TableOptions): string[] {
  const sampled = tables.filter(({ profile }) => profile !== null).toSorted((a, b) => b.bytes - a.bytes);
  const lines = sampled.slice(0, MOST_TABLES).flatMap((table) => profileLines(table, options));
  const more = sampled.length - MOST_TABLES;
  return more > 0 ? [...lines, `and samples of ${more} more tables, see --json`] : lines.slice(0, -1);
}

/** One table's; none where none was made. */
function profileLines({ name, profile }: TablePlan, options: TableOptions): string[] {
  if (profile === null) return [];
  const { items, readUnits, attributes, largest } = profile;
  const cost = `about ${formatCount(readUnits)} read units`;
  if (items === 0) return [`in table ${name}: the sample has no item (${cost})`, ""];
  const shown = attributes.slice(0, MOST_ATTRIBUTES);
  const rows = shown.map((attribute) => [
    attribute.name,
    percent(attribute.share),
    typesOf(attribute),
    attribute.wideNumbers > 0 ? formatCount(attribute.wideNumbers) : "",
  ]);
  const more = attributes.length - shown.length;
  return [
    `in table ${name}: ${formatCount(items)} items read (${cost}), ${sizes(profile)}`,
    drawTable(["attribute", "has it", "types", "35+ digits"], rows, { ...options, words: ["types"] }),
    ...(more > 0 ? [`and ${more} more attributes`] : []),
    ...largest
      .slice(0, MOST_LARGE)
      .map(
        ({ key, bytes, storedBytes }) =>
          `  large: ${plainText(JSON.stringify(key))}, ${formatSize(bytes)}${storedBytes === null ? "" : `, ${formatSize(storedBytes)} as stored`}`,
      ),
    "",
  ];
}

function sizes({ averageBytes, averageStoredBytes, items, kept, unfit }: TableProfile): string {
  const stored = averageStoredBytes === null ? "" : `, ${formatSize(averageStoredBytes)} as stored`;
  const unfitCount = unfit?.count ?? 0;
  const bad = unfitCount === 0 ? "" : `; ${formatCount(unfitCount)} can't be converted`;
  const dropped = items - unfitCount - kept;
  const left = dropped === 0 ? "" : `; plugins leave ${formatCount(dropped)} out`;
  return `${formatSize(averageBytes)} on average${stored}${bad}${left}`;
}

/** `S`, or `S 990, N 10 (mixed)`. */
function typesOf({ types, isMixed }: AttributeProfile): string {
  const each = Object.entries(types).toSorted(([, a], [, b]) => b - a);
  if (each.length === 1) return each[0]![0];
  return (
    each.map(([type, count]) => `${type} ${formatCount(count)}`).join(", ") + (isMixed ? " (mixed)" : "")
  );
}

/** Only what all have is 100 %. */
function percent(share: number): string {
  return share === 1 ? "100%" : `${Math.max(0.1, Math.min(99.9, Math.round(share * 1000) / 10))}%`;
}
