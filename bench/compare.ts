/** `bun run bench --compare A.json B.json`: two reports side by side. */
import { readFileSync } from "node:fs";
import type { Measure } from "./measures.ts";
import { columns, number, type Report } from "./report.ts";

/** Reads what `--json` gave. Throws with one line for what isn't a report. */
export function readReport(path: string): Report {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
  if (report.format !== 1 || !Array.isArray(report.rows)) throw new Error(`${path}: no report of --json`);
  return report;
}

/** Both, figure by figure, with the change; before them what makes them unlike. */
export function compare(one: Report, other: Report): string {
  const rows = other.rows.flatMap(({ name, label, digits, better, sides }) =>
    Object.entries(sides).flatMap(([side, { median }]) => {
      const before = one.rows.find((row) => row.name === name)?.sides[side]?.median;
      if (before === undefined) return [];
      return [
        [
          `${label} (${side})`,
          number(before, digits),
          number(median, digits),
          change(before, median, better),
        ],
      ];
    }),
  );
  return [...unlike(one, other), ...columns([["", "A", "B", "change"], ...rows])].join("\n");
}

/** What is different beside the figures: they can't be compared then, or it is what is compared. */
function unlike(one: Report, other: Report): string[] {
  const plain = (report: Report): Record<string, unknown> => ({
    kind: report.kind,
    shape: report.shape,
    items: report.items,
    runs: report.runs,
    ...report.options,
    machine: `${report.machine.cores} × ${report.machine.cpu}`,
    ...report.versions,
    ...Object.fromEntries(Object.entries(report.conf).filter(([key]) => !PORTS.includes(key))),
  });
  const [a, b] = [plain(one), plain(other)];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name]);
  return names.map((name) => `note: ${name} differs: ${a[name] ?? "-"}, ${b[name] ?? "-"}`);
}

/** Addresses of servers of a run's own. */
const PORTS = ["source.endpoint_url", "target.address"];

/** Per cent that are no change. */
const NOTHING = 1;

function change(before: number, after: number, better: Measure["better"]): string {
  if (before === 0) return "";
  const percent = (after / before - 1) * 100;
  const sign = percent >= 0 ? "+" : "";
  const isBetter = better === "less" ? percent < 0 : percent > 0;
  const says = better !== "neither" && Math.abs(percent) >= NOTHING;
  const verdict = says ? (isBetter ? ", better" : ", worse") : "";
  return `${sign}${percent.toFixed(1)} %${verdict}`;
}
