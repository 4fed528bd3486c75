/** When shards are asked: how many at once, how many a second, and how often an idle one. */
import type { Config } from "../config/config.ts";
import type { Gate } from "../flow/gate.ts";
import { createSemaphore } from "../flow/semaphore.ts";
import { createRateLimiter } from "../flow/rate-limit.ts";
import { headsOf } from "../plugin/changes.ts";
import type { ShardReader } from "../plugin/roles.ts";
import type { StreamPage } from "../types.ts";
import { createRests } from "./rests.ts";

const SECOND = 1000;
const FIRST_WAIT = 50;
const GROWTH = 1.5;
/** An idle shard waits so long at most, in ms: half of it is what a change waits in the median. */
const LONGEST_WAIT = 200;
/** With more shards the wait grows in proportion, up to {@link SLOWEST_WAIT}. */
const SHARDS_AT_LONGEST = 64;
const SLOWEST_WAIT = SECOND;
/** Where even that is too many calls, it goes on growing for shards that have been quiet for long: up to such a part of that time. */
const PART_OF_QUIET = 1 / 30;
/** All of them together are asked so often a second then. */
const QUIET_CALLS = 200;
const QUIETEST_WAIT = 5 * SECOND;

/** Shared by all shards of all tables. */
export interface PollPacer {
  /** A reader that asks when it may; who waits longest goes first, so that many shards share the lanes fairly. */
  pace(reader: ShardReader): ShardReader;
  /** `increase.concurrency` is another one now. */
  resized(): void;
  /** By table the readers of shards that are read lightly meanwhile, see core/incr/kept-positions.ts. */
  readonly quiet: Set<ReadonlyMap<string, ShardReader>>;
  /**
   * Asks a shard again and again, an idle one after a wait: gives what it answers, up to its end or the abort. A
   * failure after the abort is none.
   *
   * @param onWait told how long it waits, in ms, before it is asked again
   * @param gate what each request passes: when it closes, the wait is over, for who waits isn't at rest
   */
  pages(
    poll: () => Promise<StreamPage>,
    signal: AbortSignal,
    onWait?: (ms: number) => void,
    gate?: Gate,
  ): AsyncIterable<StreamPage>;
  /** Somebody waits for what comes: no shard waits longer than a second, until this is disposed. */
  hurry(): Disposable;
}

/** Makes the run's pacer from `increase.concurrency` and `qps.incr`. */
export function createPollPacer(config: Config): PollPacer {
  const lanes = createSemaphore(() => config["increase.concurrency"]);
  const turn = createRateLimiter(() => config["qps.incr"]);
  const rests = createRests();
  /** Those that are asked again and again now. */
  let shards = 0;
  /** Who wants no long waits. */
  let hurried = 0;
  return {
    resized: lanes.resized,
    quiet: new Set(),
    pace: (reader) => ({
      poll: (options) =>
        lanes.run(async () => {
          await turn(options.signal);
          return reader.poll(options);
        }),
    }),
    async *pages(poll, signal, onWait = () => {}, gate?: Gate) {
      shards++;
      let quietSince = performance.now();
      try {
        for (let empties = 0; !signal.aborted;) {
          const page = await poll();
          yield page;
          if (page.ended) return;
          empties = headsOf(page).length > 0 || page.skipped ? 0 : empties + 1;
          const now = performance.now();
          if (empties === 0) quietSince = now;
          const quiet = hurried > 0 ? 0 : now - quietSince;
          const wait = empties === 0 ? 0 : idleWait({ empties, shards, quiet });
          onWait(wait);
          if (wait === 0) continue;
          const rest = rests.rest(wait, signal);
          await (gate === undefined ? rest : gate.closesBefore(rest));
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        shards--;
      }
    },
    hurry() {
      hurried++;
      rests.wake();
      let isOver = false;
      return {
        [Symbol.dispose]() {
          if (!isOver) hurried--;
          isOver = true;
        },
      };
    },
  };
}

/** What a shard's wait depends on. */
export interface Idle {
  /** So many empty answers in a row. */
  empties: number;
  /** So many shards are followed. */
  shards: number;
  /** For so long nothing has come, in ms. */
  quiet: number;
}

/** How long an idle shard waits until it is asked again, in ms. */
export function idleWait({ empties, shards, quiet }: Idle): number {
  const usual = Math.min(SLOWEST_WAIT, LONGEST_WAIT * Math.max(1, shards / SHARDS_AT_LONGEST));
  const spread = Math.min(QUIETEST_WAIT, (shards / QUIET_CALLS) * SECOND, quiet * PART_OF_QUIET);
  return Math.min(FIRST_WAIT * GROWTH ** (empties - 1), spread > SLOWEST_WAIT ? spread : usual);
}
