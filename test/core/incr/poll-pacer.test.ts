/** A shard asked again and again: when, how often, and until when. */
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../../core/config/load.ts";
import { createGate } from "../../../core/flow/gate.ts";
import { isOlder } from "../../../core/incr/follow-shard.ts";
import { createPollPacer, idleWait } from "../../../core/incr/poll-pacer.ts";
import type { StreamPage } from "../../../core/types.ts";
import { changed } from "../../fakes/streams.ts";

const answer = (some: Partial<StreamPage>): StreamPage => ({
  records: [],
  bytes: 0,
  tip: true,
  ended: false,
  sentAt: Date.now(),
  ...some,
});

describe("a shard that is asked again and again", () => {
  const { config } = loadConfig({ set: { "target.address": "mongodb://127.0.0.1:1" } });
  const polls = createPollPacer(config);
  const { signal } = new AbortController();

  test("gives its pages up to its end", async () => {
    const pages = [{ records: [changed("a", 1)] }, {}, { records: [changed("b", 2)], ended: true }].map(
      answer,
    );
    const left = [...pages];
    const poll = async () => left.shift() ?? Promise.reject(new Error("was asked behind its end"));
    expect(await Array.fromAsync(polls.pages(poll, signal))).toEqual(pages);
  });

  test("fails with its failure", async () => {
    const pages = polls.pages(() => Promise.reject(new Error("broken")), signal);
    await expect(Array.fromAsync(pages)).rejects.toThrow("broken");
  });

  test("isn't asked once it is stopped, and what its last request fails with then is no failure", async () => {
    const stop = new AbortController();
    let asked = 0;
    const poll = async (): Promise<StreamPage> => {
      if (++asked === 1) return answer({ records: [changed("a", 1)] });
      stop.abort();
      throw new Error("aborted");
    };
    expect(await Array.fromAsync(polls.pages(poll, stop.signal))).toHaveLength(1);
    expect(await Array.fromAsync(polls.pages(poll, stop.signal))).toEqual([]);
    expect(asked).toBe(2);
  });

  test("shares lanes whose number may change", async () => {
    const own = { ...config, "increase.concurrency": 1 };
    const pacer = createPollPacer(own);
    const answers: (() => void)[] = [];
    const poll = (): Promise<StreamPage> => new Promise((resolve) => answers.push(() => resolve(answer({}))));
    const options = { signal, beforeRequest: async () => {} };
    const asking = [1, 2, 3].map(() => pacer.pace({ poll }).poll(options));
    await Bun.sleep(50);
    expect(answers).toHaveLength(1);
    own["increase.concurrency"] = 3;
    pacer.resized();
    await Bun.sleep(50);
    expect(answers).toHaveLength(3);
    for (const each of answers) each();
    await Promise.all(asking);
  });

  test("waits for no longer than it is stopped when it is idle", async () => {
    const stop = new AbortController();
    for await (const page of polls.pages(async () => answer({}), stop.signal)) {
      expect(page.records).toEqual([]);
      stop.abort();
    }
  });
});

describe("how long an idle shard waits", () => {
  const MINUTE = 60_000;

  test.each<[string, Parameters<typeof idleWait>[0], number]>([
    ["at first, briefly", { empties: 1, shards: 1, quiet: 0 }, 50],
    ["few, however quiet", { empties: 99, shards: 32, quiet: 60 * MINUTE }, 200],
    ["up to 200, however quiet", { empties: 99, shards: 160, quiet: 60 * MINUTE }, 500],
    ["a few hundred, a moment after a change", { empties: 99, shards: 320, quiet: 5000 }, 1000],
    ["a thousand, half a minute after a change", { empties: 99, shards: 1000, quiet: MINUTE / 2 }, 1000],
    [
      "a thousand, a minute after a change: a thirtieth of it",
      { empties: 99, shards: 1000, quiet: MINUTE },
      2000,
    ],
    [
      "a few hundred, for long: 200 calls a second in all",
      { empties: 99, shards: 800, quiet: 60 * MINUTE },
      4000,
    ],
    ["very many, for long", { empties: 99, shards: 50_000, quiet: 60 * MINUTE }, 5000],
  ])("%s", (_, idle, expected) => expect(idleWait(idle)).toBe(expected));
});

test.each([1, 64, 250, 700, 1300, 50_000])(
  "an idle shard of %p is noted anew early enough for who waits for that, however seldom it is asked",
  (shards) => {
    const wait = idleWait({ empties: 1000, shards, quiet: 600_000 });
    expect([isOlder(0, 9000, wait), isOlder(0, 31_000, wait)]).toEqual([false, true]);
  },
);

test("a gate that closes ends the waits of who passes it before each request, and nobody else's", async () => {
  const { config } = loadConfig({ set: { "target.address": "mongodb://127.0.0.1:1" } });
  const polls = createPollPacer(config);
  const gate = createGate();
  const stop = new AbortController();
  const asked = { passing: 0, other: 0 };
  const waits: number[] = [];
  const onWait = (ms: number): void => void waits.push(ms);
  const passing = async (): Promise<StreamPage> => {
    asked.passing++;
    (await gate.enter(stop.signal))();
    return answer({});
  };
  const other = async (): Promise<StreamPage> => {
    asked.other++;
    return answer({});
  };
  const following = [
    ...Array.from({ length: 100 }, () => Array.fromAsync(polls.pages(passing, stop.signal, onWait, gate))),
    Array.fromAsync(polls.pages(other, stop.signal, onWait)),
  ];
  while (waits.length < 101) await Bun.sleep(1);
  const before = { ...asked };
  gate.close();
  await Bun.sleep(0);
  expect(asked.passing).toBeGreaterThanOrEqual(before.passing + 100);
  // Nor does who came to wait when it was closed: each asks once, and waits at the gate.
  const { passing: once } = asked;
  await Bun.sleep(200);
  expect(asked.passing).toBe(once);
  expect(asked.other).toBeLessThan(before.other + 10);
  stop.abort();
  await Promise.all(following);
});

test("who is in a hurry ends the waits, and there are no long ones meanwhile", async () => {
  const { config } = loadConfig({ set: { "target.address": "mongodb://127.0.0.1:1" } });
  const polls = createPollPacer(config);
  const stop = new AbortController();
  let asked = 0;
  const shards = 100;
  const poll = async (): Promise<StreamPage> => {
    asked++;
    return answer({});
  };
  const waits: number[] = [];
  const following = Array.from({ length: shards }, () =>
    Array.fromAsync(polls.pages(poll, stop.signal, (ms) => void waits.push(ms))),
  );
  while (waits.length < shards) await Bun.sleep(1);
  const before = asked;
  const hurry = polls.hurry();
  await Bun.sleep(0);
  expect(asked).toBeGreaterThanOrEqual(before + shards);
  hurry[Symbol.dispose]();
  hurry[Symbol.dispose]();
  stop.abort();
  await Promise.all(following);
});
