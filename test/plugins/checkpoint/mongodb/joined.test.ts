/** One call for all who ask at once. */
import { describe, expect, test } from "bun:test";
import { joined } from "../../../../plugins/checkpoint/mongodb/joined.ts";

/** Calls that are answered by hand, one after the other. */
function calls() {
  const sent: PromiseWithResolvers<void>[] = [];
  const ask = joined(() => {
    const call = Promise.withResolvers<void>();
    sent.push(call);
    return call.promise;
  });
  /** Lets go on what can. */
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  /** Asks, and notes what becomes of it. */
  const asked = (): { end: string | undefined } => {
    const state: { end: string | undefined } = { end: undefined };
    ask().then(
      () => (state.end = "answered"),
      (error: Error) => (state.end = error.message),
    );
    return state;
  };
  return { sent, asked, settle };
}

describe("a joined call", () => {
  test("is one for all who ask before it has begun", async () => {
    const { sent, asked, settle } = calls();
    const all = [asked(), asked(), asked()];
    await settle();
    expect(sent).toHaveLength(1);
    sent[0]!.resolve();
    await settle();
    expect(all.map(({ end }) => end)).toEqual(Array(3).fill("answered"));
  });

  test("that is on its way answers nobody who asks then: all of them have the next one", async () => {
    const { sent, asked, settle } = calls();
    const before = asked();
    await settle();
    const meanwhile = [asked(), asked()];
    await settle();
    expect(sent).toHaveLength(1);
    sent[0]!.resolve();
    await settle();
    expect([before.end, ...meanwhile.map(({ end }) => end)]).toEqual(["answered", undefined, undefined]);
    expect(sent).toHaveLength(2);
    sent[1]!.resolve();
    await settle();
    expect(meanwhile.map(({ end }) => end)).toEqual(["answered", "answered"]);
    expect(sent).toHaveLength(2);
  });

  test("that fails fails for those who waited for it, not for who comes after", async () => {
    const { sent, asked, settle } = calls();
    const first = [asked(), asked()];
    await settle();
    const second = asked();
    sent[0]!.reject(new Error("lost"));
    await settle();
    expect(first.map(({ end }) => end)).toEqual(["lost", "lost"]);
    sent[1]!.resolve();
    await settle();
    expect(second.end).toBe("answered");
  });
});
