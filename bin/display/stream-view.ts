/** The incremental phase on the display: the tables by how far they are behind, all of them, and whether it is time to switch over. */
import { presentTrouble } from "../../core/progress/eta.ts";
import type { Progress, TableProgress } from "../../core/progress/progress.ts";
import { fewOf } from "../../core/progress/quantities.ts";
import { type StreamProgress, streamLag, switchable } from "../../core/progress/stream-progress.ts";
import { formatCount, formatDuration, formatShort } from "../format.ts";
import { itemsText, spoolText, troubleText } from "./cells.ts";
import { type Column, layOut } from "./columns.ts";
import { cut } from "./cut.ts";
import { createOrder } from "./stream-order.ts";
import type { View } from "./terminal.ts";

const SECOND = 1000;
/** Tables that are named; of more there is the number. */
const MOST_NAMED = 3;
const MINUTE = 60 * SECOND;
/** Rates are means over this long. */
const WINDOW = 5 * SECOND;

/** A table whose stream is followed. */
type Followed = TableProgress & { stream: StreamProgress };

/** A line's parts; an empty one has nothing to say. */
interface Row {
  name: string;
  lag: string;
  rate: string;
  applied: string;
  shards: string;
  notes: string;
}

/** What stands below each other on a terminal. */
const COLUMNS: readonly Column<Row>[] = [
  { cell: ({ name }) => name, width: 5, importance: 0, align: "left" },
  { cell: ({ lag }) => lag, width: 13, importance: 1 },
  { cell: ({ rate }) => rate, width: 14, importance: 3 },
  { cell: ({ applied }) => applied, width: 22, importance: 4 },
  { cell: ({ shards }) => shards, width: 8, importance: 5 },
  { cell: ({ notes }) => notes, width: 16, importance: 2, align: "left" },
];

/** Makes the view. */
export function streamView(progress: Progress): View {
  const rates = new Map<string, Rate>();
  const inOrder = createOrder<Followed>();
  const totalRate = createRate();

  function rowOf(table: Followed, now: number): Row {
    const { name, stream } = table;
    const rate = (rates.get(name) ?? rates.set(name, createRate()).get(name)!)(stream.written, now);
    const trouble = presentTrouble(table, now);
    if (table.state !== "following") {
      const notes = `${table.isNew ? "new" : "after a gap"}, ${itemsText(table.written)}`;
      const lag = table.isNew ? "being copied" : "copied again";
      return { name, lag, rate: "", applied: "", shards: "", notes };
    }
    return {
      name,
      lag: lagText(stream, now),
      rate: rateText(rate),
      applied: appliedText(stream.written),
      shards: shardsText(stream.shards.size),
      notes: [spoolText(table), trouble && troubleText({ trouble })].filter(Boolean).join(", "),
    };
  }

  function totalRow(tables: Followed[], now: number): Row {
    const written = tables.reduce((sum, { stream }) => sum + stream.written, 0);
    const shards = tables.reduce((sum, { stream }) => sum + stream.shards.size, 0);
    return {
      name: `total ${tables.length}`,
      lag: totalLag(tables, now),
      rate: rateText(totalRate(written, now)),
      applied: appliedText(written),
      shards: shardsText(shards),
      notes: `switch over: ${switchable(progress, now).good && !progress.paused ? "yes" : "no"}`,
    };
  }

  const followed = (): Followed[] =>
    [...progress.tables.values()].filter(
      (table): table is Followed => table.stream !== undefined && table.state !== "deleted",
    );

  return {
    frame(now, { columns, rows }) {
      const tables = inOrder(followed(), now);
      // All rates go on, those of tables too that there is no room for.
      const all = tables.map((table) => rowOf(table, now));
      const total = totalRow(tables, now);
      // Below the last line there is the cursor's, and the total takes two.
      const room = Math.max(0, rows - 3);
      const shown = tables.length > room ? all.slice(0, Math.max(0, room - 1)) : all;
      const width = Math.max(1, columns - 1);
      const limit = Math.max(9, Math.floor(width * 0.3));
      const fitting = [...shown, total].map((row) => ({ ...row, name: cut(row.name, limit) }));
      const lines = layOut(fitting, COLUMNS, width);
      if (shown.length < all.length) lines.splice(-1, 0, `… and ${all.length - shown.length} more`);
      return [...lines, waitText(progress, tables, now)]
        .map((line) => line.slice(0, width))
        .slice(-Math.max(1, rows - 1));
    },
    lines: (now) => [
      ...followed().map((table) => {
        const { name, ...parts } = rowOf(table, now);
        return `  ${name}: ${Object.values(parts).filter(Boolean).join(", ")}`;
      }),
      switchText(progress, now),
    ],
    interval: MINUTE,
  };
}

function lagText(stream: StreamProgress, now: number): string {
  const lag = streamLag(stream, now);
  if (stream.shards.size === 0) return "no open shard";
  return lag === undefined ? "catching up" : `${formatDuration(lag)} behind`;
}

/** Of the table that is most behind. */
function totalLag(tables: Followed[], now: number): string {
  const lags = tables.map(({ stream }) => streamLag(stream, now));
  if (lags.length === 0 || lags.includes(undefined)) return "catching up";
  return `${formatDuration(Math.max(...lags.map((lag) => lag ?? 0)))} behind`;
}

function rateText(rate: number | undefined): string {
  return rate === undefined ? "" : `${formatShort(rate)} records/s`;
}

function appliedText(count: number): string {
  return `${formatCount(count)} records applied`;
}

function shardsText(count: number): string {
  return `${count} ${count === 1 ? "shard" : "shards"}`;
}

/** What a switch-over waits for, in the order of the tables. */
function waitText(progress: Progress, tables: Followed[], now: number): string {
  if (progress.paused) return "paused";
  const { good, behind } = switchable(progress, now);
  if (good) return `every shard is at its tip, ${behindText(tables, now)}`;
  const places = new Map(tables.map(({ name }, place) => [name, place]));
  const inOrder = behind.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
  return `waiting for ${fewOf(inOrder, MOST_NAMED) || "the first table"}`;
}

/** How far the table that is most behind is; an idle shard among many is asked every few seconds only. */
function behindText(tables: Iterable<{ stream?: StreamProgress }>, now: number): string {
  const lags = [...tables].map(({ stream }) => (stream === undefined ? 0 : (streamLag(stream, now) ?? 0)));
  const most = lags.reduce((one, other) => Math.max(one, other), 0);
  return most < SECOND ? "less than a second behind" : `at most ${Math.ceil(most / SECOND)} s behind`;
}

/** Whether every shard is at its tip, and how far behind at most. */
export function switchText(progress: Progress, now: number): string {
  const { good, behind } = switchable(progress, now);
  if (good)
    return `now is a good moment to switch over: every shard is at its tip, ${behindText(progress.tables.values(), now)}`;
  const names = fewOf(behind, MOST_NAMED);
  return `not a good moment to switch over: ${names || "nothing is followed yet"}${names && " not caught up"}`;
}

/** A counter's rate over the last seconds, a second. */
type Rate = (count: number, now: number) => number | undefined;

function createRate(): Rate {
  const samples: { count: number; now: number }[] = [];
  return (count, now) => {
    samples.push({ count, now });
    while (samples.length > 2 && samples[1]!.now <= now - WINDOW) samples.shift();
    const [first] = samples;
    return now > first!.now ? ((count - first!.count) / (now - first!.now)) * SECOND : undefined;
  };
}
