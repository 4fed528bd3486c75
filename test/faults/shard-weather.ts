/** How a source with scripted streams behaves just now, beyond what is right: listings, iterators, throttled tables. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Misbehaviour } from "../stand-in/dynamodb.ts";
import type { StreamsOptions } from "../stand-in/streams.ts";
import type { Random } from "./random.ts";

/** How often in a row a shard's iterators may expire at once: the service's live for minutes. */
const EXPIRE_IN_A_ROW = 2;

/** What may be wrong. */
export interface ShardFaults {
  /** Listings are up to so old, and each child comes up to so much later, in ms. */
  late: number;
  /** Every so-many-th iterator of a shard has expired. */
  expires: number;
  /** So many records too early new iterators begin. */
  repeats: number;
}

/** See the top of the file. */
export interface ShardWeather {
  /** What the streams are to be started with. */
  options: Pick<StreamsOptions, "misbehave" | "childrenAfter" | "listingAge" | "repeats">;
  /** Lets something be wrong for so long. */
  during(faults: Partial<ShardFaults>, ms: number, signal: AbortSignal): Promise<void>;
  /** No records of a table from now on, but that it is asked too often; what is given ends that. */
  stall(table: string): () => void;
  /** Ends all of it. */
  clear(): void;
}

const FAIR: ShardFaults = { late: 0, expires: 0, repeats: 0 };

/** @param random for what is drawn of each answer */
export function createShardWeather(random: Random): ShardWeather {
  let now = { ...FAIR };
  const stalled = new Set<string>();
  /** Of each shard: how many iterators were used, and how many of the last ones had expired. */
  const used = new Map<string, { count: number; row: number }>();

  function misbehave({ operation, body }: Call): Misbehaviour | undefined {
    if (operation !== "GetRecords") return undefined;
    const [table, shard] = JSON.parse(String(body["ShardIterator"])) as [string, string];
    if (stalled.has(table)) return { error: "ProvisionedThroughputExceededException" };
    if (now.expires === 0) return undefined;
    const of = used.get(shard) ?? { count: 0, row: 0 };
    used.set(shard, of);
    const expires = ++of.count % now.expires === 0 && of.row < EXPIRE_IN_A_ROW;
    of.row = expires ? of.row + 1 : 0;
    return expires ? { error: "ExpiredIteratorException" } : undefined;
  }

  return {
    options: {
      misbehave,
      childrenAfter: () => random.below(now.late + 1),
      listingAge: () => random.below(now.late + 1),
      repeats: () => now.repeats,
    },
    async during(faults, ms, signal) {
      Object.assign(now, faults);
      await sleep(ms, undefined, { signal }).catch(() => {});
      for (const name of Object.keys(faults) as (keyof ShardFaults)[]) now[name] = FAIR[name];
    },
    stall(table) {
      stalled.add(table);
      return () => stalled.delete(table);
    },
    clear() {
      now = { ...FAIR };
      stalled.clear();
    },
  };
}
