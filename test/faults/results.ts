/** What schedules came to, as a table and as JSON. */
import Table from "cli-table3";
import type { Result } from "./schedule.ts";

/** A line a schedule, and one of sums. */
export function tableOf(results: readonly Result[]): string {
  const table = new Table({
    head: ["seed", "world", "configuration", "faults", "changes", "starts", "ended with", "seconds", "wrong"],
    style: { head: [], border: [] },
    colWidths: [null, null, 24, 44, null, null, 24, null, null],
    wordWrap: true,
  });
  for (const result of results) table.push(rowOf(result));
  const sum = (of: (result: Result) => number): number => results.reduce((all, each) => all + of(each), 0);
  table.push([
    "all",
    "",
    `${results.length} schedules`,
    `${sum(({ faults }) => total(faults))} faults`,
    sum(({ changes }) => changes),
    sum(({ starts }) => starts),
    sum(({ ended }) => total(ended)),
    Math.round(sum(({ seconds }) => seconds)),
    sum(({ wrong }) => wrong.length),
  ]);
  return table.toString();
}

function rowOf({
  seed,
  world,
  configuration,
  faults,
  changes,
  starts,
  ended,
  seconds,
  wrong,
}: Result): (string | number)[] {
  const what = [seed, world, configuration, listOf(faults)];
  return [...what, changes, starts, listOf(ended), Math.round(seconds), wrong.length];
}

/** How often each kind of fault happened in all of them, most often first. */
export function kindsOf(results: readonly Result[]): string {
  const sums = new Map<string, number>();
  for (const { faults } of results)
    for (const [name, count] of Object.entries(faults)) sums.set(name, (sums.get(name) ?? 0) + count);
  return listOf(Object.fromEntries([...sums].toSorted(([, a], [, b]) => b - a)));
}

const total = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0);

function listOf(counts: Record<string, number>): string {
  const each = ([name, count]: [string, number]): string => (count === 1 ? name : `${name} ×${count}`);
  return Object.entries(counts).map(each).join(", ");
}
