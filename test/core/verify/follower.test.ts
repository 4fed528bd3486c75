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
    const waiting = passed({ ctx, table: TABLE, follower: "ours" }, began).then(() => (hasPassed = true));
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
  await passed({ ctx, table: TABLE, follower: "ours" }, at);
});

test("a run at rest is asked to note how far it is, and is over for who waits when it has", async () => {
  const at = Date.now();
  const position = { at: "sequence", number: "1", inclusive: false } as const;
  const checkpoint = noted([{ id: "s", status: "running", position }], { s: at - MINUTE });
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint });
  const asked: string[] = [];
  const note = async (table: string): Promise<boolean> => {
    // Of a shard that wasn't asked since, the first answer brings nothing new.
    if (asked.push(table) > 1) checkpoint.states.get("stream:t")!.set("shard:s", { notedAt: at });
    return true;
  };
  await passed({ ctx, table: TABLE, follower: "ours", note }, at);
  expect(asked).toEqual(["t", "t"]);
  expect(Date.now() - at).toBeLessThan(2 * LOOKS);
});

test.concurrent.each<[string, () => Promise<boolean>]>([
  ["never answers", () => new Promise(() => {})],
  ["fails", () => Promise.reject(new Error("gone"))],
  ["doesn't follow", () => Promise.resolve(false)],
])("a run that %s is waited for as if it couldn't be asked, and asked once at a time", async (_, answer) => {
  const at = Date.now();
  const position = { at: "sequence", number: "1", inclusive: false } as const;
  const checkpoint = noted([{ id: "s", status: "running", position }], { s: at - MINUTE });
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint });
  let asking = 0;
  let most = 0;
  const note = (): Promise<boolean> => {
    most = Math.max(most, ++asking);
    return answer().finally(() => asking--);
  };
  const waiting = passed({ ctx, table: TABLE, follower: "ours", note }, at);
  await sleep(2 * LOOKS);
  checkpoint.states.get("stream:t")!.set("shard:s", { notedAt: at });
  await waiting;
  expect(most).toBe(1);
});
