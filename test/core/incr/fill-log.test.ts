/** What a shard's records take on their way into the spool. */
import { expect, test } from "bun:test";
import { OBJECTS } from "../../../core/flow/memory-budget.ts";
import { fillLog } from "../../../core/incr/fill-log.ts";
import type { TableStream } from "../../../core/incr/table-stream.ts";
import type { ShardReader } from "../../../core/plugin/roles.ts";
import type { ShardLog } from "../../../core/spool/shard-log.ts";
import type { StreamPage } from "../../../core/types.ts";
import { TABLE } from "../../fakes/copying.ts";
import { memoryContext, memorySource, memoryTarget, numbered } from "../../fakes/context.ts";

const BYTES = 100_000;

test("each request has room before it is sent, and its answer gives it back when it is in the log", async () => {
  const ctx = await memoryContext(memorySource([]), memoryTarget());
  const happened: [string, number][] = [];
  const say = (what: string): void => void happened.push([what, ctx.memory.used]);
  const stop = new AbortController();
  const note = { id: "shard", parent: undefined, position: { at: "horizon" }, status: "running" } as const;
  const stream = {
    ctx,
    table: TABLE,
    checkpoint: { shards: new Map([[note.id, note]]), noteSpooled: () => {}, note: () => {} },
    polls: {
      async *pages(poll: () => Promise<StreamPage>) {
        for (let n = 0; n < 2; n++) yield await poll();
      },
    },
  } as unknown as TableStream;
  const log = { ended: false, readUpTo: "1", append: async () => say("appended") } as unknown as ShardLog;
  const reader: ShardReader = {
    async poll({ beforeRequest }) {
      say("asked");
      await beforeRequest({});
      say("sent");
      const [record] = numbered(TABLE, 1, 1);
      const records = [{ ...record!, sequenceNumber: "1" }];
      const release = (): void => say("released");
      return { records, bytes: BYTES, tip: false, ended: false, sentAt: 0, release };
    },
  };
  await fillLog(stream, note.id, log, reader, stop.signal, () => {});
  const [first, second] = [2 ** 20 * OBJECTS, 2 * BYTES * OBJECTS];
  expect(happened).toEqual([
    ["asked", 0],
    ["sent", first],
    ["appended", BYTES * OBJECTS],
    ["released", 0],
    ["asked", 0],
    ["sent", second],
    ["appended", BYTES * OBJECTS],
    ["released", 0],
  ]);
  expect(ctx.memory.used).toBe(0);
});
