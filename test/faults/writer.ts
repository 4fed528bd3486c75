/** Writes at the source all along, and knows what has to be there in the end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Attributes } from "../e2e/helpers.ts";
import { drawItem, drawRequest, keyCount, type Lane, type TableShape } from "./changes.ts";
import { createModel } from "./model.ts";
import type { Random } from "./random.ts";
import type { Scene } from "./world.ts";

const SECOND = 1000;
/** Writers side by side, each with keys of its own. */
const LANES = 4;
/** How long a write is tried that isn't acknowledged. */
const PATIENCE = 30 * SECOND;
const PAUSE = 100;

/** See the top of the file. */
export interface Writer {
  /** Puts items there, before anything is read. */
  fill(): Promise<void>;
  /** Begins, so many changes a second at most. */
  start(perSecond: number): void;
  /** Resolves when at least so many were made since the start, all acknowledged; the writer has ended then. */
  end(least: number): Promise<void>;
  /** Changes made. */
  readonly changes: number;
  /** What is at the source. */
  items(table: TableShape): Attributes[];
  /** Rejects when the source doesn't take a write. */
  readonly failed: Promise<never>;
}

/** Makes it. */
export function createWriter(scene: Scene, random: (concern: string) => Random): Writer {
  const model = createModel();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  let changes = 0;
  let least = Infinity;
  let rate = Infinity;
  let begun = 0;
  let lanes: Promise<void>[] = [];

  async function acknowledged(write: () => Promise<void>): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await sleep(PAUSE);
    }
  }

  async function write(number: number): Promise<void> {
    let made = 0;
    const lane: Lane = {
      random: random(`writer ${number}`),
      number,
      lanes: LANES,
      tables: scene.tables,
      has: (table, key) => model.has(table, key),
      revision: () => ++made * LANES + number,
    };
    while (changes < least) {
      const ahead = changes / rate - (performance.now() - begun) / SECOND;
      // nobody waits when the end is asked for
      if (ahead > 0 && least === Infinity) {
        await sleep(Math.min(ahead * SECOND, PAUSE));
        continue;
      }
      const request = drawRequest(lane);
      await acknowledged(() => scene.change(request));
      for (const change of request.changes) model.apply(change);
      changes += request.changes.length;
    }
  }

  return {
    failed: failed.promise,
    get changes() {
      return changes;
    },
    items: (table) => model.items(table),
    async fill() {
      const draws = random("fill");
      for (const table of scene.tables) {
        // every second key, so that there is something to insert, too
        const items = Array.from({ length: keyCount() / 2 }, (_, i) => drawItem(table, 2 * i, draws, -i));
        await scene.fill(table, items);
        for (const item of items) model.apply({ do: "put", table, item });
      }
    },
    start(perSecond) {
      rate = perSecond;
      begun = performance.now();
      lanes = Array.from({ length: LANES }, (_, number) => write(number));
      Promise.all(lanes).catch(failed.reject);
    },
    async end(count) {
      least = count;
      await Promise.all(lanes);
    },
  };
}
