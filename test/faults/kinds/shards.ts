/** What happens to a stream's shards: they split and rotate, are listed late, and their records expire before they were read. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Streams } from "../../stand-in/streams.ts";
import type { TableShape } from "../changes.ts";
import type { Configuration } from "../configuration.ts";
import type { ShardWeather } from "../shard-weather.ts";
import { Misbehaved, type Tool } from "../tool.ts";
import type { Fault, Play } from "../world.ts";

const SECOND = 1000;
/** How long a shard is looked for whose records can expire. */
const LOOK = 10 * SECOND;
/** So many records a shard gets before its oldest ones expire. */
const UNREAD = 4;
/** How long the tool may take to say that there is a gap. */
const NOTICED = 45 * SECOND;

/** What these faults get hold of. */
export interface Shards {
  streams: Streams;
  tables: readonly TableShape[];
  weather: ShardWeather;
}

/** All of them. */
export function shardFaults(shards: Shards, { onGap }: Configuration): Fault[] {
  return [
    split(shards),
    late(shards),
    expired(shards),
    expiring(shards),
    repeated(shards),
    gap(shards, onGap),
  ];
}

/** Generation after generation: a child may have ended before it was ever listed. */
function split({ streams, tables }: Shards): Fault {
  return {
    name: "splits in quick succession",
    draw(random) {
      const { name } = random.pick(tables);
      const splits = Array.from({ length: random.between(2, 6) }, () => ({
        place: random.below(100),
        children: random.pick([1, 1, 2]),
        afterMs: random.pick([0, 0, 5, 50, 400]),
      }));
      return {
        what: `${name.split(".")[0]}: ${splits.length} shards end, ${JSON.stringify(splits)}`,
        async happen({ signal }) {
          for (const { place, children, afterMs } of splits) {
            const open = streams.open(name);
            streams.split(name, open[place % open.length]!, children);
            await sleep(afterMs, undefined, { signal });
          }
        },
      };
    },
  };
}

function late({ weather }: Shards): Fault {
  return {
    name: "late listings",
    draw(random) {
      const most = random.between(200, 5000);
      const ms = random.between(2, 8) * SECOND;
      return {
        what: `listings are up to ${most} ms old, and each child comes up to ${most} ms later, for ${ms} ms`,
        happen: ({ signal }) => weather.during({ late: most }, ms, signal),
      };
    },
  };
}

function expired({ streams }: Shards): Fault {
  return {
    name: "iterators expired",
    draw(random) {
      const times = random.between(1, 3);
      const between = random.between(100, 1500);
      return {
        what: `all iterators have expired, ${times} times, ${between} ms between`,
        async happen({ signal }) {
          for (let i = 0; i < times; i++) {
            streams.expire();
            await sleep(between, undefined, { signal });
          }
        },
      };
    },
  };
}

function expiring({ weather }: Shards): Fault {
  return {
    name: "iterators that expire at once",
    draw(random) {
      const every = random.between(2, 9);
      const ms = random.between(1, 6) * SECOND;
      return {
        what: `every ${every}th iterator of a shard has expired at its first use, for ${ms} ms`,
        happen: ({ signal }) => weather.during({ expires: every }, ms, signal),
      };
    },
  };
}

function repeated({ streams, weather }: Shards): Fault {
  return {
    name: "records once more",
    draw(random) {
      const records = random.between(1, 30);
      return {
        what: `all iterators have expired, and new ones begin ${records} records too early`,
        async happen({ signal }) {
          const over = weather.during({ repeats: records }, 2 * SECOND, signal);
          streams.expire();
          await over;
        },
      };
    },
  };
}

/** Records expire that the tool has not read: it has to say so, or to copy the table again. */
function gap(shards: Shards, onGap: Configuration["onGap"]): Fault {
  const { streams } = shards;
  return {
    name: "a gap",
    process: true,
    codes: ["STREAM_GAP"],
    draw(random) {
      const how = random.pick(["trimmed", "vanished"] as const);
      const running = random.chance(0.5);
      const keep = random.below(UNREAD - 1);
      const place = random.below(100);
      return {
        what: `unread records are gone, ${how}, while the tool ${running ? "is throttled" : "is away"}`,
        async happen(play) {
          const { tool, signal, say } = play;
          // an earlier one may have changed it
          await tool.down("SIGTERM");
          const since = performance.now();
          tool.up({ on_gap: onGap });
          const shard = await resumedShard(shards, since, play, place);
          if (shard === undefined) {
            say("no shard was gone on with: nothing expires");
            // what expired earlier may not be copied again yet
            return tool.up({ on_gap: "resync" });
          }
          const { table, id } = shard;
          const away = running ? shards.weather.stall(table) : await stopped(tool);
          const before = streams.records(table, id);
          const isUnread = await until(
            () => streams.records(table, id) >= before + UNREAD,
            5 * SECOND,
            signal,
          );
          const gaps = tool.ended.get("STREAM_GAP") ?? 0;
          if (isUnread && how === "trimmed") streams.trim(table, id, keep);
          else if (isUnread) {
            // as the service: only of one that has ended, and what came before it is gone as well
            streams.split(table, id, 1);
            for (const gone of [id, ...streams.ancestors(table, id)]) streams.vanish(table, gone);
          }
          say(isUnread ? `${id} of ${table}: ${how}` : `${id} of ${table} has ended`);
          away();
          const isSaid = (): boolean => (tool.ended.get("STREAM_GAP") ?? 0) > gaps;
          if (isUnread && onGap === "fail" && !(await until(isSaid, NOTICED, signal)))
            throw new Misbehaved("a gap wasn't noticed");
          tool.up({ on_gap: "resync" });
        },
      };
    },
  };
}

/** Stops the tool; what is given starts it again. */
async function stopped(tool: Tool): Promise<() => void> {
  await tool.down("SIGTERM");
  return () => tool.up();
}

/**
 * Gives a shard that the tool, started then, has gone on with from a record's number: that it had noted. What expires of such
 * a shard can't be taken for what was never there to be read.
 */
async function resumedShard(
  { streams, tables }: Shards,
  since: number,
  { signal }: Play,
  place: number,
): Promise<{ table: string; id: string } | undefined> {
  const found = (): { table: string; id: string }[] =>
    tables.flatMap(({ name }) =>
      streams
        .open(name)
        .filter((id) => (streams.asked(name, id)?.time ?? 0) > since)
        .map((id) => ({ table: name, id })),
    );
  await until(() => found().length > 0, LOOK, signal);
  const all = found();
  return all[place % all.length];
}

/** Whether it comes true in time. */
async function until(is: () => boolean, ms: number, signal: AbortSignal): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (!is() && Date.now() < deadline) await sleep(20, undefined, { signal });
  return is();
}
