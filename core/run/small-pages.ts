/** Pages that are as full as `qps.full.batch_num` lets them be, of small items, make a copy slow: said once, with a better value. */
import type { Config } from "../config/config.ts";
import type { Context } from "../plugin/context.ts";
import { amountOfRun, tableWork } from "../progress/eta.ts";
import type { TableProgress } from "../progress/progress.ts";

const SECOND = 1000;
/** Between two looks. */
const INTERVAL = 5 * SECOND;
/** A shorter copy tells little, and is soon over anyway. */
const LONG = 20 * SECOND;
const LEFT = 60 * SECOND;
/** A page is full at 1 MB: no fuller one is looked for from here on. */
const PAGE = 1_000_000;
const SMALL = PAGE / 4;
/** So full are pages that the limit ends; the last one of a segment may be short. */
const FULL = 0.95;
/** More items a page gain little, and take memory. */
const MOST_ITEMS = 10_000;

/** Looks now and then as long as the full phase lasts. */
export function watchPages(ctx: Context): Disposable {
  const timer = setInterval(() => {
    const now = Date.now();
    const words = [...ctx.progress.tables.values()].map((table) => smallPages(table, ctx.config, now));
    const first = words.find((each) => each !== undefined);
    if (first === undefined) return;
    clearInterval(timer);
    ctx.log.info(first);
  }, INTERVAL);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** What is to be said of a table at a time in ms since 1970; undefined: its pages aren't what limits it. */
export function smallPages(table: TableProgress, config: Config, now: number): string | undefined {
  const { name, state, startedAt, pages = 0, throttles } = table;
  const limit = config["qps.full.batch_num"];
  if (limit === undefined) return undefined;
  const isHeldBack = throttles > 0 || config["full.read.capacity"] !== undefined;
  if (state !== "copying" || startedAt === undefined || pages === 0 || isHeldBack) return undefined;
  const ms = now - startedAt;
  const read = table.read - table.resumed;
  const { items, bytes } = amountOfRun(table);
  if (ms < LONG || items === 0 || read / pages < FULL * limit || bytes / pages > SMALL) return undefined;
  const { left, share } = tableWork(table);
  if (share !== undefined && left.items / (items / ms) < LEFT) return undefined;
  const better = rounded(Math.min(MOST_ITEMS, PAGE / (bytes / read)));
  const times = Math.floor(better / limit);
  if (times < 2) return undefined;
  const kilobytes = Math.round(bytes / pages / 1000);
  return (
    `table ${name}: its pages have ${limit} items and ${kilobytes} kB, where 1 MB is possible: ` +
    `with qps.full.batch_num = ${better} it may be up to ${times} times as fast (nimo-shake set changes it while it runs)`
  );
}

/** To its first digit: 8738 is 8000. */
function rounded(count: number): number {
  const unit = 10 ** Math.floor(Math.log10(count));
  return Math.floor(count / unit) * unit;
}
