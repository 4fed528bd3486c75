/** How long a comparison waits for who follows the table. */
import { expect, setDefaultTimeout, setSystemTime, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConsola } from "consola";
import { passed } from "../../../core/verify/follower.ts";
import { fakeStreams, noted, streamContext, TABLE } from "../../fakes/streams.ts";

setDefaultTimeout(60_000);

/** It looks twice a second. */
const LOOKS = 700;
const MINUTE = 60_000;

test("a run that is paused is waited for, and given up when nothing moves after it has gone on", async () => {
  const began = Date.now();
  const checkpoint = noted(
    [{ id: "s", status: "running", position: { at: "sequence", number: "1", inclusive: false } }],
    { s: began - MINUTE },
  );
  await using fake = await streamContext({ streams: fakeStreams(), checkpoint });
  const warnings: string[] = [];
  const log = createConsola({ reporters: [{ log: ({ args }) => void warnings.push(String(args[0])) }] });
  const ctx = { ...fake, log };
  ctx.progress.paused = true;
  try {
    let hasPassed = false;
    const waiting = passed(ctx, TABLE, began, "ours").then(() => (hasPassed = true));
    for (const minutes of [4, 60]) {
      setSystemTime(began + minutes * MINUTE);
      await sleep(LOOKS);
      expect([hasPassed, warnings.filter((text) => text.includes("followed any more"))]).toEqual([false, []]);
    }
    ctx.progress.paused = false;
    setSystemTime(began + 62 * MINUTE);
    await sleep(LOOKS);
    expect(hasPassed).toBe(false);
    setSystemTime(began + 64 * MINUTE);
    await waiting;
    expect(warnings.at(-1)).toBe(
      "nothing of the table is followed any more, what isn't applied counts as different: table t",
    );
  } finally {
    setSystemTime();
  }
});

test("a run that is paused is over for who waits when it has noted what was written by then", async () => {
  const at = Date.now();
  const position = { at: "sequence", number: "1", inclusive: false } as const;
  const checkpoint = noted([{ id: "s", status: "running", position }], { s: at });
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint });
  ctx.progress.paused = true;
  await passed(ctx, TABLE, at, "ours");
});
