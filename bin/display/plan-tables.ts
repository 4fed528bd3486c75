/** The tables of a plan, for people: what a start does with them, their indexes, and what it takes. */
import type { Estimate, Plan, TablePlan } from "../../core/check/plan.ts";
import { formatCount, formatDuration, formatSize } from "../format.ts";
import { drawTable, type TableOptions } from "./table.ts";

const SECOND = 1000;

/** A row for each of the largest tables, and a line for the others. */
export function tableLines(plan: Plan, largest: TablePlan[], options: TableOptions): string[] {
  const expires = largest.some(({ expiry }) => expiry !== null && expiry.attribute !== null);
  const follows = plan.syncMode !== "full";
  const head = [
    "table",
    "items",
    "bytes",
    "key",
    ...(expires ? ["expires by"] : []),
    ...(follows ? ["stream"] : []),
    "segments",
    "a start",
  ];
  const cells = largest.map((table) => [
    table.targetName === table.name ? table.name : `${table.name} → ${table.targetName}`,
    formatCount(table.items),
    formatSize(table.bytes),
    table.key,
    ...(expires ? [table.expiry === null ? "not known" : (table.expiry.attribute ?? "-")] : []),
    ...(follows ? [streamText(table)] : []),
    formatCount(table.segments),
    actionText(table),
  ]);
  const drawn = drawTable(head, cells, { ...options, words: ["key", "expires by", "stream", "a start"] });
  return [drawn, ...moreLine(plan, largest)];
}

function moreLine({ tables }: Plan, shown: TablePlan[]): string[] {
  const more = tables.filter((table) => !shown.includes(table));
  if (more.length === 0) return [];
  const [items, bytes] = [more, more].map((all, i) =>
    all.reduce((sum, table) => sum + (i === 0 ? table.items : table.bytes), 0),
  ) as [number, number];
  return [`and ${more.length} more tables with ${formatCount(items)} items, ${formatSize(bytes)}`];
}

function streamText({ stream: { state, view } }: TablePlan): string {
  return state === "unfit" && view !== null ? `unfit: ${view}` : state;
}

function actionText({ action, existing, followsFrom }: TablePlan): string {
  const from =
    followsFrom === null ? "" : ` from ${followsFrom === "checkpoint" ? "the checkpoint" : followsFrom}`;
  const words: Record<NonNullable<TablePlan["action"]>, string> = {
    copy: "copies it",
    "go on": "goes on copying it",
    "take over": "takes it over",
    follow: `follows it${from}`,
    nothing: "has nothing to do",
  };
  const there: Partial<Record<NonNullable<TablePlan["existing"]>, string>> = {
    refused: "; refused, one is there",
    renamed: ", renames what is there",
    dropped: ", DROPS what is there",
  };
  if (action === null) return "not known";
  return `${words[action]}${existing === null ? "" : (there[existing] ?? "")}`;
}

/** The names of the indexes to be built. */
export function indexLines(plan: Plan, largest: TablePlan[]): string[] {
  const lines = largest
    .filter(({ indexes }) => indexes.length > 0)
    .map(({ targetName, indexes }) => {
      const names = indexes.map(({ name, unique }) => (unique ? `${name} (unique)` : name));
      return `  ${targetName}: ${names.join(", ")}`;
    });
  return lines.length === 0
    ? []
    : ["indexes", ...lines, ...moreLine(plan, largest).map((line) => `  ${line}`)];
}

/** What the full phase takes. */
export function estimateLines(estimate: Estimate): string[] {
  const { items, bytes, writeBytes, pages, consistent, cost, seconds, limitedBy, roundTrip } = estimate;
  if (pages === 0) return ["the full phase", "  nothing is left to copy"];
  const reads = consistent ? "consistent reads, which cost twice" : "eventually consistent reads";
  const least = seconds < 1 ? "less than a second" : `at least ${formatDuration(seconds * SECOND)}`;
  const takes = limitedBy === null ? "how long it takes isn't known" : `${least}, by ${limitedBy}`;
  const beyond = roundTrip === null ? "" : ` beyond the ${roundTrip} ms of a small request`;
  return [
    "the full phase, by the source's own counts, which may be hours old",
    `  reads     ${formatCount(items)} items, ${formatSize(bytes)} in ${formatCount(pages)} ${pages === 1 ? "page" : "pages"}: ${cost} (${reads})`,
    `  writes    ${formatCount(items)} documents, about ${formatSize(writeBytes)}, and their indexes after that`,
    `  takes     ${takes}`,
    `            not measured: what source and target need for a page${beyond}, and the indexes`,
  ];
}
