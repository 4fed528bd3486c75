/** A shard on its way through the spool: nothing that was read falls between the log and the stream. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SpooledShard, spoolShard } from "../../../core/incr/spooled-shard.ts";
import type { TableStream } from "../../../core/incr/table-stream.ts";
import type { ShardReader } from "../../../core/plugin/roles.ts";
import { openTableSpool } from "../../../core/spool/table-spool.ts";
import type { SourceRecord } from "../../../core/types.ts";
import { changed, fakeStreams, opened, streamContext, TABLE } from "../../fakes/streams.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "nimo-shake-spooled-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const poll = (reader: ShardReader, signal: AbortSignal): Promise<SourceRecord[]> =>
  reader.poll({ beforeRequest: async () => {}, signal }).then(({ records }) => records);

/** A shard of whose records one is applied and the next one's request is on its way, while its log is drained. */
async function draining(
  work: (shard: {
    spooled: SpooledShard;
    stream: TableStream;
    rest: Promise<SourceRecord[]>;
    answer: () => void;
  }) => Promise<void>,
): Promise<void> {
  const streams = fakeStreams([{ id: "s" }]);
  await using ctx = await streamContext({ streams });
  const stream = await opened(ctx);
  const asked = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let requests = 0;
  streams.read = () => ({
    async poll({ signal }) {
      const page = { bytes: 10, tip: false, ended: false, sentAt: Date.now() };
      if (++requests === 1) return { ...page, records: [changed("a", 1)] };
      if (requests > 2) return { ...page, records: [] };
      signal.addEventListener("abort", () => drained.resolve(), { once: true });
      asked.resolve();
      await answered.promise;
      return { ...page, records: [changed("b", 2)] };
    },
  });
  const note = { id: "s", status: "waiting", position: { at: "horizon" }, notedAt: Date.now() } as const;
  stream.checkpoint.note(note);
  const spooled = spoolShard(stream, openTableSpool(folder, "test", TABLE.name), note, undefined, () => {});
  const reader = spooled.reader(undefined, () => {});
  await asked.promise;
  expect(await poll(reader, ctx.signal)).toMatchObject([{ sequenceNumber: "1" }]);
  const rest = poll(reader, ctx.signal);
  rest.catch(() => {});
  spooled.saved({ ...note, status: "running", position: { at: "sequence", number: "1", inclusive: false } });
  await drained.promise;
  await work({ spooled, stream, rest, answer: answered.resolve });
  ctx.stop(new Error("enough"));
  await spooled.filled;
}

test("what is on its way when all of its log is applied and saved comes into the log, which stays until then", () =>
  draining(async ({ spooled, rest, answer }) => {
    expect(await spooled.tidy()).toBe(false);
    answer();
    expect(await rest).toMatchObject([{ sequenceNumber: "2" }]);
  }));

test("what can't be put into the log while it is drained ends the run: nobody goes on behind it", () =>
  draining(async ({ stream, rest, answer }) => {
    rmSync(folder, { recursive: true });
    answer();
    await expect(rest).rejects.toMatchObject({ code: "SPOOL_FAILED" });
    expect(stream.ctx.signal.reason).toMatchObject({ code: "SPOOL_FAILED" });
  }));
