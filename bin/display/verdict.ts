/** What a comparison has found, for people and for programs. */
import type { Verdict } from "../../core/run/verify.ts";
import { type Compared, type Fault, isEqual, undecidedOf } from "../../core/verify/report.ts";
import { formatCount } from "../format.ts";
import { oneLine } from "../log/plain-text.ts";
import { drawTable } from "./table.ts";

/** Columns that are always there. */
const COLUMNS = ["compared", "equal", "different", "missing", "extra", "settled"] as const;
/** And those that are shown where there is something in them. */
const OCCASIONAL = ["expired", "undecided", "others", "repaired"] as const;
const TITLES: Partial<Record<(typeof OCCASIONAL)[number], string>> = { others: "indexes, tables" };
/** A value longer than that is cut on the terminal. */
const LONGEST = 60;

/** The counts of each table, and the first differences; no line break at the end. */
export function verdictText(
  verdict: Verdict,
  { width, isTTY }: { width?: number | undefined; isTTY?: boolean } = {},
): string {
  const rows = [...verdict.tables];
  const more = OCCASIONAL.filter((column) => rows.some(([, counts]) => counts[column] > 0));
  const columns = [...COLUMNS, ...more];
  if (rows.length > 1) rows.push(["total", total(rows.map(([, counts]) => counts))]);
  const head = ["table", ...columns.map((column) => TITLES[column as "others"] ?? column)];
  const cells = rows.map(([name, counts]) => [name, ...columns.map((column) => formatCount(counts[column]))]);
  const table = drawTable(head, cells, {
    width: width ?? (isTTY ? process.stdout.columns : undefined) ?? Number.POSITIVE_INFINITY,
    isTTY: isTTY ?? process.stdout.isTTY === true,
  });
  return [table, ...verdict.first.map(faultText), lastLine(verdict)].join("\n");
}

/** A comparison for programs: what is counted in all, and for each table. */
export interface VerdictJson extends Compared {
  /** Null: nothing differs, but some keys aren't decided. */
  isEqual: boolean | null;
  tables: (Compared & { table: string })[];
  differences: number;
  /** Where all of them are, when there are any. */
  file?: string;
}

/** The same for programs. */
export function verdictJson(verdict: Verdict): VerdictJson {
  const { tables, faults, path } = verdict;
  const list = [...tables].map(([table, counts]) => ({ table, ...counts }));
  const sum = total(list);
  return {
    isEqual: isEqual(verdict),
    ...sum,
    tables: list,
    differences: faults,
    ...(faults > 0 && { file: path }),
  };
}

function total(all: Compared[]): Compared {
  const sum = {} as Compared;
  for (const column of [...COLUMNS, ...OCCASIONAL]) {
    sum[column] = all.reduce((count, each) => count + each[column], 0);
  }
  return sum;
}

function lastLine({ isDifferent, faults, path, first, tables }: Verdict): string {
  const undecided = undecidedOf(tables);
  const open = undecided === 0 ? "" : `; keys that aren't decided: ${formatCount(undecided)}`;
  const nothing = undecided === 0 ? "source and target are equal" : "nothing differs";
  if (!isDifferent && faults === 0) return `${nothing}${open}`;
  const more = faults > first.length ? `${formatCount(faults - first.length)} more, ` : "";
  const said = isDifferent ? "source and target differ" : `${nothing} by now`;
  return `${said}${open}: ${more}all ${formatCount(faults)} in ${path}`;
}

/** `orders {"pk":{"S":"a"}} different at total: double 5 at the target instead of int32 5`. */
export function faultText({ table, key, kind, path, repair, ...values }: Fault): string {
  const where = [table, key === undefined ? "" : JSON.stringify(key)].filter(Boolean).join(" ");
  const done = repair === undefined ? "" : ` (${repair})`;
  return `  ${oneLine(`${where}: ${what(kind, path, values)}${done}`)}`;
}

type Values = Pick<Fault, "source" | "sourceType" | "target" | "targetType">;

function what(kind: Fault["kind"], path: string | undefined, values: Values): string {
  const { source, sourceType, target, targetType } = values;
  switch (kind) {
    case "missing":
      return "missing at the target";
    case "extra":
      return target === undefined
        ? "extra at the target"
        : `extra at the target, _id ${cut(JSON.stringify(target))}`;
    case "duplicate":
      return `${String(target)} documents at the target with this key`;
    case "missing_table":
      return `nothing is there at the target: ${String(target)}`;
    case "missing_index":
      return `the index ${path} is missing`;
    case "different_index":
      return `the index ${path} is another one: ${String(target)}`;
    case "count":
      return `${String(source)} items at the source, ${String(target)} documents at the target`;
    case "different":
      return `${path}: ${side(source, sourceType)} at the source, ${side(target, targetType)} at the target`;
  }
}

function side(value: unknown, type: string | undefined): string {
  return type === undefined ? "nothing" : `${type} ${cut(JSON.stringify(value))}`;
}

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}
