/** A checkpoint that outlives the runs of a test, and can be made to fail, and NimoShake's in it. */
import type { Plugin } from "../../core/plugin/plugin.ts";
import { memoryCheckpoint } from "../fakes/context.ts";
import type { Streams } from "../stand-in/streams.ts";
import type { Scenario } from "./helpers.ts";

/** See the top of the file. */
export interface Kept {
  plugin: Plugin;
  states: Map<string, Map<string, unknown>>;
  /** Saves so far, each as its name and its parts. */
  saves: [name: string, parts: Map<string, unknown>][];
  /** Clears so far. */
  clears: string[];
  /** The so-many-th change from now on fails, and all behind it unless only once; 0: none. */
  failAt(nth: number, once?: boolean): void;
}

/** Makes an empty one. */
export function keptCheckpoint(): Kept {
  const store = memoryCheckpoint();
  let left = 0;
  let failing = false;
  let onlyOnce = false;
  const change = (): void => {
    if (left > 0 && --left === 0) failing = true;
    if (!failing) return;
    if (onlyOnce) failing = false;
    throw new Error("killed here");
  };
  const kept: Kept = {
    states: store.states,
    saves: [],
    clears: [],
    failAt(nth, once = false) {
      left = nth;
      failing = false;
      onlyOnce = once;
    },
    plugin: {
      name: "kept",
      setup(ctx) {
        ctx.provide("checkpoint", {
          place: "memory",
          load: (name) => store.load(name),
          async save(name, parts) {
            change();
            kept.saves.push([name, new Map(parts)]);
            await store.save(name, parts);
          },
          async clear(name) {
            change();
            kept.clears.push(name);
            await store.clear(name);
          },
        });
      },
    },
  };
  return kept;
}

/** Tables as NimoShake leaves them: rows that say that nothing is applied yet, and a document of its making. */
export async function leaveOriginal(
  s: Scenario,
  streams: Streams,
  tables: string[],
  kept: Kept,
): Promise<void> {
  kept.states.clear();
  kept.states.set("status", new Map([["status", "incr_sync"]]));
  for (const table of tables) {
    const rows = streams.open(table).map((ShardId): [string, object] => [
      ShardId,
      {
        ShardId,
        FatherId: "",
        SequenceNumber: "1",
        Status: "in processing",
        WorkerId: "unknown-worker",
        IteratorType: "AT_SEQUENCE_NUMBER",
        ShardIt: "see sequence number",
        UpdateDate: new Date().toISOString(),
        ApproximateTime: "",
      },
    ]);
    kept.states.set(`shards:${table}`, new Map(rows));
    await s.db.collection(table).deleteMany({});
    await s.db.collection<{ pk: string; n: string }>(table).insertOne({ pk: "theirs", n: "text" });
  }
}
