/** What happens to the tables of an endurance run: steady changes, shards that rotate, tables that come, lose their stream, and go. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Streams } from "../stand-in/streams.ts";

const SECOND = 1000;
const TICK = 100;
/** Keys of a table: its copy stays small, what is looked at is what lasts. */
const KEYS = 400;
/** A shard of a steady table is followed by another one so often. */
const ROTATION = 20 * SECOND;
/** A shard that was read to its end goes so long after it. */
const FORGOTTEN = 60 * SECOND;

export const STEADY: readonly string[] = ["steady-0", "steady-1", "steady-2"];
const CHANGING = ["changing-0", "changing-1", "changing-2", "changing-3"];

/** What was done until now. */
export interface Deeds {
  changes: number;
  rotated: number;
  created: number;
  dropped: number;
  /** Dropped and made again at once, under the same name. */
  remade: number;
  streamsLost: number;
}

/** Tables that live until they are let rest. */
export interface Lives {
  readonly deeds: Deeds;
  /** Tables that are there. */
  there(): string[];
  /** Ends all of it; what is there stays as it is. */
  rest(): Promise<void>;
}

/** Begins. @param perSecond changes of all tables together */
export function startLives(streams: Streams, perSecond: number): Lives {
  const stopping = new AbortController();
  const { signal } = stopping;
  const deeds: Deeds = { changes: 0, rotated: 0, created: 0, dropped: 0, remade: 0, streamsLost: 0 };
  const there = new Set<string>(STEADY);
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal });

  function change(): void {
    const names = [...there];
    const table = names[Math.floor(Math.random() * names.length)]!;
    const pk = `k${Math.floor(Math.random() * KEYS)}`;
    const n = { N: String(deeds.changes++) };
    if (Math.random() < 0.2) streams.remove(table, pk);
    else streams.put(table, { pk: { S: pk }, n, text: { S: "x".repeat(Math.floor(Math.random() * 500)) } });
  }

  async function write(): Promise<void> {
    for (;;) {
      for (let n = 0; n < (perSecond * TICK) / SECOND; n++) change();
      // What was asked is kept by the stand-in, for tests.
      streams.source.calls.length = 0;
      await pause(TICK);
    }
  }

  /** Shards end and others follow; those that were read go, as after a day. */
  async function rotate(): Promise<void> {
    const closed: { table: string; shard: string; at: number }[] = [];
    for (;;) {
      await pause(ROTATION);
      for (const table of STEADY) {
        const [shard] = streams.open(table);
        streams.split(table, shard!, 1);
        closed.push({ table, shard: shard!, at: Date.now() });
        deeds.rotated++;
      }
      while (closed[0] !== undefined && Date.now() - closed[0].at > FORGOTTEN) {
        const { table, shard } = closed.shift()!;
        if (streams.isRead(table, shard)) streams.vanish(table, shard);
      }
    }
  }

  function appear(table: string): void {
    streams.create(table);
    there.add(table);
  }

  /** A table's lives, one after the other; in between it is gone for longer or shorter than it takes to notice. */
  async function live(table: string, at: number): Promise<void> {
    await pause(15 * SECOND + at * 10 * SECOND);
    for (let life = at; ; life++) {
      appear(table);
      deeds.created++;
      await pause(60 * SECOND);
      streams.disable(table);
      deeds.streamsLost++;
      await pause(110 * SECOND);
      if (life % 2 === 0) {
        streams.drop(table);
        appear(table);
        deeds.remade++;
        await pause(110 * SECOND);
      }
      there.delete(table);
      streams.drop(table);
      deeds.dropped++;
      await pause(90 * SECOND);
    }
  }

  const ended = [write(), rotate(), ...CHANGING.map(live)].map((each) =>
    each.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
  );
  return {
    deeds,
    there: () => [...there].toSorted(),
    async rest() {
      stopping.abort();
      await Promise.all(ended);
    },
  };
}
