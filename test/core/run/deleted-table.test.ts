/** Tables that are deleted while they are followed: a run may have thousands of them in its life. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import { trackTable } from "../../../core/progress/progress.ts";
import { endDeleted } from "../../../core/run/deleted-table.ts";
import { memoryCheckpoint } from "../../fakes/context.ts";
import { fakeStreams, streamContext, TABLE } from "../../fakes/streams.ts";

test("of those that are deleted the newest hundred are told of, and of the others is kept which they were", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-deleted-"));
  using _folder = { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
  const checkpoint = memoryCheckpoint();
  const settings = { "increase.persist.dir": folder };
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint, settings });
  const tables = Array.from({ length: 103 }, (_, n) => ({
    ...TABLE,
    name: `hour-${n}`,
    targetName: `hour-${n}`,
  }));
  const run = await openCheckpoint(ctx, tables, false);
  await run.begin([]);
  for (const table of tables) trackTable(ctx.progress, table);
  for (const table of tables) {
    await checkpoint.save(`stream:${table.name}`, new Map([["stream", { stream: "s" }]]));
    await checkpoint.save(`shards:${table.name}`, new Map([["s", {}]]));
    await run.table(table).advance({ stage: "done", targetName: table.targetName, units: 1 });
  }
  // The last one comes first.
  for (const table of tables.toReversed()) await endDeleted(ctx, table, run.table(table), true);
  const told = [...ctx.progress.tables.keys()].filter((name) => name !== TABLE.name);
  expect([told.length, told[0], told.at(-1)]).toEqual([100, "hour-99", "hour-0"]);
  const kept = (name: string) =>
    ["table", "stream", "shards"].filter((what) => checkpoint.states.get(`${what}:${name}`)?.size);
  expect([kept("hour-102"), kept("hour-99")]).toEqual([["table"], ["table", "stream", "shards"]]);
});
