/** In which order the tables that are followed are shown: what is most behind first, and without jumping. */
import { shardLag, streamLag, type StreamProgress } from "../../core/progress/stream-progress.ts";

const SECOND = 1000;
/** A list that moves at every look can't be read. */
const KEPT = 5 * SECOND;
/** Who is less behind than this is up to date, and stands by its name. */
const UP_TO_DATE = 2 * SECOND;

/** What is to be put in order. */
interface Followed {
  name: string;
  stream: StreamProgress;
}

/** Gives tables in order; it is the same for some seconds, unless tables come or go. */
export function createOrder<Table extends Followed>(): (tables: Table[], now: number) => Table[] {
  let order = new Map<string, number>();
  let sortedAt = Number.NEGATIVE_INFINITY;

  return (tables, now) => {
    const isSame = tables.length === order.size && tables.every(({ name }) => order.has(name));
    if (!isSame || now - sortedAt >= KEPT) {
      sortedAt = now;
      const ranked = tables.map((table) => ({ name: table.name, rank: rankOf(table.stream, now) }));
      ranked.sort((a, b) => b.rank - a.rank || (a.name < b.name ? -1 : 1));
      order = new Map(ranked.map(({ name }, place) => [name, place]));
    }
    return tables.toSorted((a, b) => order.get(a.name)! - order.get(b.name)!);
  };
}

/** The greater, the further behind: who has not caught up is further than anybody. */
function rankOf(stream: StreamProgress, now: number): number {
  const lag = streamLag(stream, now);
  if (lag !== undefined) return lag < UP_TO_DATE ? 0 : Math.round(lag / SECOND);
  // Without an open shard there is nothing to catch up with.
  const isOpen = [...stream.shards.values()].some((shard) => shardLag(shard, now) === undefined);
  return isOpen ? Number.MAX_SAFE_INTEGER : Number.MAX_SAFE_INTEGER - 1;
}
