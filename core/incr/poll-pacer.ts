/** When shards are asked: how many at once, how many a second, and how often an idle one. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import { createSemaphore } from "../flow/semaphore.ts";
import { createRateLimiter } from "../flow/rate-limit.ts";
import type { ShardReader } from "../plugin/roles.ts";
import type { StreamPage } from "../types.ts";

const FIRST_WAIT = 50;
const GROWTH = 1.5;
/** An idle shard waits so long at most, in ms: half of it is what a change waits in the median. */
const LONGEST_WAIT = 200;
/** With more shards the wait grows in proportion, up to {@link SLOWEST_WAIT}. */
const SHARDS_AT_LONGEST = 64;
const SLOWEST_WAIT = 1000;

/** Shared by all shards of all tables. */
export interface PollPacer {
  /** A reader that asks when it may; who waits longest goes first, so that many shards share the lanes fairly. */
  pace(reader: ShardReader): ShardReader;
  /** `increase.concurrency` is another one now. */
  resized(): void;
  /**
   * Asks a shard again and again, an idle one after a wait: gives what it answers, up to its end or the abort. A
   * failure after the abort is none.
   */
  pages(poll: () => Promise<StreamPage>, signal: AbortSignal): AsyncIterable<StreamPage>;
}

/** Makes the run's pacer from `increase.concurrency` and `qps.incr`. */
export function createPollPacer(config: Config): PollPacer {
  const lanes = createSemaphore(() => config["increase.concurrency"]);
  const turn = createRateLimiter(() => config["qps.incr"]);
  /** Those that are asked again and again now. */
  let shards = 0;
  return {
    resized: lanes.resized,
    pace: (reader) => ({
      poll: (options) =>
        lanes.run(async () => {
          await turn(options.signal);
          return reader.poll(options);
        }),
    }),
    async *pages(poll, signal) {
      shards++;
      try {
        for (let empties = 0; !signal.aborted;) {
          const page = await poll();
          yield page;
          if (page.ended) return;
          empties = page.records.length > 0 ? 0 : empties + 1;
          if (empties > 0) await sleep(idleWait(empties, shards), undefined, { signal });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        shards--;
      }
    },
  };
}

/** How long a shard waits after so many empty answers, in ms, where so many are followed. */
function idleWait(empties: number, shards: number): number {
  const longest = Math.min(SLOWEST_WAIT, LONGEST_WAIT * Math.max(1, shards / SHARDS_AT_LONGEST));
  return Math.min(FIRST_WAIT * GROWTH ** (empties - 1), longest);
}
