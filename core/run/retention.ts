/** A stream keeps a record for 24 h: a full phase that takes longer loses what is written meanwhile, without a spool. */
import type { Context } from "../plugin/context.ts";
import { amountOfRun, rateOf, timeLeft, totalWork } from "../progress/eta.ts";
import type { Progress } from "../progress/progress.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The rest of a day is left to apply the changes in, before the oldest are gone; in ms. */
export const LONGEST_FULL_PHASE: number = 20 * HOUR;
/** No estimate is worth a word before. */
const ESTIMATED_AFTER = 5 * MINUTE;

/** Warns once when the full phase will take so long that changes expire, and names the setting that saves them. */
export function watchRetention(ctx: Context): Disposable {
  if (ctx.config.incr_sync_parallel) return { [Symbol.dispose]() {} };
  const timer = setInterval(() => {
    const takes = fullPhaseTakes(ctx.progress, Date.now());
    if (takes === undefined || takes < LONGEST_FULL_PHASE) return;
    clearInterval(timer);
    ctx.log.warn(
      `the full phase will take about ${Math.round(takes / HOUR)} h, and a stream keeps changes for 24 h: stop, and start ` +
        "again with incr_sync_parallel = true; it goes on where it stopped and spools them to the disk",
    );
  }, MINUTE);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** How long the full phase takes from this run's start, in ms; undefined: that can't be told yet. */
export function fullPhaseTakes({ startedAt, tables }: Progress, now: number): number | undefined {
  const ran = now - startedAt;
  if (ran < ESTIMATED_AFTER) return undefined;
  const done = { items: 0, bytes: 0 };
  for (const { items, bytes } of [...tables.values()].map(amountOfRun)) {
    done.items += items;
    done.bytes += bytes;
  }
  const rate = rateOf(done, ran);
  const left = rate && timeLeft(totalWork([...tables.values()]), rate);
  return left === undefined ? undefined : ran + left;
}
