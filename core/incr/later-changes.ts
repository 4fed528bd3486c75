/** Changes that are made after a switch-over was asked for: somebody still writes. */
import { headsOf } from "../plugin/changes.ts";
import type { Progress } from "../progress/progress.ts";
import type { StreamPage } from "../types.ts";
import { GRAIN, type Settled } from "./tip.ts";

/**
 * Counts those of a page, while a switch-over is waited for. A record's time is rounded down, to the second and on
 * DynamoDB Local to the minute: what has a later one than the command was made after it. So was what comes when all that
 * was there then has come. What was made in the same second may be either, and isn't counted before that. So it is the
 * least number there can be, where this machine's clock is right: one that is fast hides some, one that is slow counts
 * what came before.
 *
 * @param settled of the shard, before the page
 */
export function countLater({ switchover }: Progress, page: StreamPage, settled: Settled | undefined): void {
  if (switchover === undefined) return;
  const { at } = switchover;
  const changes = headsOf(page);
  const hadAll = settled !== undefined && settled.at > at + GRAIN;
  switchover.changesAfter += hadAll ? changes.length : changes.filter(({ time = 0 }) => time > at).length;
}
