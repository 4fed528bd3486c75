/** A shard asked again and again: when, how often, and until when. */
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../../core/config/load.ts";
import { createPollPacer } from "../../../core/incr/poll-pacer.ts";
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
