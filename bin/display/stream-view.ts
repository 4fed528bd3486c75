/** The incremental phase on the display: one line a table, and whether now is a good moment to switch over. */
import type { Progress, TableProgress } from "../../core/progress/progress.ts";
import { type StreamProgress, streamLag, switchable } from "../../core/progress/stream-progress.ts";
import { itemsText, spoolText, troubleText } from "./cells.ts";
import { formatCount, formatDuration, formatShort } from "../format.ts";
import { presentTrouble } from "../../core/progress/eta.ts";
import type { View } from "./terminal.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Rates are means over this long. */
const WINDOW = 5 * SECOND;

/** A table whose stream is followed. */
type Followed = TableProgress & { stream: StreamProgress };

/** Makes the view. */
export function streamView(progress: Progress): View {
  const rates = new Map<string, (read: number, now: number) => number | undefined>();

  function rateOf({ name, stream }: Followed, now: number): number | undefined {
    const rate = rates.get(name) ?? createRate();
    rates.set(name, rate);
    return rate(stream.written, now);
  }

  function line(table: Followed, now: number): string {
    const { name, stream } = table;
    const rate = rateOf(table, now);
    const trouble = presentTrouble(table, now);
    if (table.state !== "following") return `${name}: copied again after a gap, ${itemsText(table.written)}`;
    return [
      `${name}: ${lagText(stream, now)}`,
      rate !== undefined && `${formatShort(rate)} records/s`,
      `${formatCount(stream.written)} records applied`,
      `${stream.shards.size} ${stream.shards.size === 1 ? "shard" : "shards"}`,
      spoolText(table),
      trouble && troubleText({ trouble }),
    ]
      .filter(Boolean)
      .join(", ");
  }

  const followed = (): Followed[] =>
    [...progress.tables.values()].filter((table): table is Followed => table.stream !== undefined);

  return {
    frame(now, { columns, rows }) {
      const tables = followed();
      const most = Math.max(1, rows - 2);
      const lines = tables.slice(0, most).map((table) => line(table, now));
      if (tables.length > most) lines.push(`… and ${tables.length - most} more`);
      return lines.map((each) => each.slice(0, Math.max(1, columns - 1)));
    },
    lines: (now) => [...followed().map((table) => `  ${line(table, now)}`), switchText(progress, now)],
    interval: MINUTE,
  };
}

function lagText(stream: StreamProgress, now: number): string {
  const lag = streamLag(stream, now);
  if (stream.shards.size === 0) return "no open shard";
  return lag === undefined ? "catching up" : `${formatDuration(lag)} behind`;
}

/** Whether every shard is at its tip, and less than a second behind. */
export function switchText(progress: Progress, now: number): string {
  const { good, behind } = switchable(progress, now);
  if (good)
    return "now is a good moment to switch over: every shard is at its tip, less than a second behind";
  const names = behind.slice(0, 3).join(", ") + (behind.length > 3 ? ` and ${behind.length - 3} more` : "");
  return `not a good moment to switch over: ${names || "nothing is followed yet"}${names && " not caught up"}`;
}

/** A counter's rate over the last seconds, a second. */
function createRate(): (count: number, now: number) => number | undefined {
  const samples: { count: number; now: number }[] = [];
  return (count, now) => {
    samples.push({ count, now });
    while (samples.length > 2 && samples[1]!.now <= now - WINDOW) samples.shift();
    const [first] = samples;
    return now > first!.now ? ((count - first!.count) / (now - first!.now)) * SECOND : undefined;
  };
}
