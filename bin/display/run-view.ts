/** The display of a whole run: whom it waits for at its start, then the phase that it is in. */
import type { Places } from "../../core/config/places.ts";
import type { Progress } from "../../core/progress/progress.ts";
import { formatDuration } from "../format.ts";
import { streamView } from "./stream-view.ts";
import { fullView, type View } from "./terminal.ts";

/** @param places whom it connects to */
export function runView(progress: Progress, places: Pick<Places, "source" | "target">): View {
  const full = fullView(progress);
  const streams = streamView(progress);
  /** When lines about the streams were given last; undefined: not yet. */
  let toldAt: number | undefined;

  /** A line while it begins; nobody answers for as long as the other side is away. */
  function beginning(now: number): string[] {
    if (progress.phase !== "starting") return [];
    const whom =
      progress.tables.size === 0
        ? `connecting to the source: ${places.source}`
        : `preparing the target: ${places.target}`;
    const takes = now - progress.startedAt;
    return [takes < 1000 ? whom : `${whom} (${formatDuration(takes)})`];
  }

  return {
    frame(now, size) {
      if (progress.phase === "incr") return streams.frame(now, size);
      const [line] = beginning(now);
      if (line === undefined) return full.frame(now, size);
      const room = { ...size, rows: size.rows - 1 };
      return [line.slice(0, Math.max(1, size.columns - 1)), ...full.frame(now, room)];
    },
    lines(now) {
      if (progress.phase !== "incr") return [...beginning(now), ...full.lines(now)];
      const isTime = toldAt !== undefined && now - toldAt >= streams.interval;
      if (!isTime && toldAt !== undefined) return [];
      toldAt = now;
      // The first look is where the first line's rates start from.
      const lines = streams.lines(now);
      return isTime ? lines : [];
    },
    interval: full.interval,
  };
}
