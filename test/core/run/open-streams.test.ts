/** The streams' opening, over a scripted source. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrate } from "../../../core/library.ts";
import { memoryTarget } from "../../fakes/memory-target.ts";
import { startStreams } from "../../stand-in/streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

test("nothing runs on once one of several streams couldn't be opened", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-streams-"));
  await using streams = await startStreams({
    tables: ["a", "b"],
    misbehave: ({ operation, body }) =>
      operation === "GetShardIterator" && String(body["StreamArn"]).includes("/b/")
        ? { error: "AccessDeniedException" }
        : undefined,
  });
  const run = migrate({
    config: {
      sync_mode: "all",
      "source.endpoint_url": streams.source.endpoint,
      "target.type": "plugin",
      "checkpoint.type": "file",
      "checkpoint.address": join(folder, "checkpoint"),
      "increase.persist.dir": join(folder, "spool"),
    },
    plugins: [memoryTarget(new Map())],
  });
  await expect(run).rejects.toMatchObject({ code: "SOURCE_DENIED" });
  const { calls } = streams.source;
  const before = calls.length;
  // a quiet shard is looked at every three seconds
  await sleep(3500);
  expect(calls.slice(before).map(({ operation }) => operation)).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});
