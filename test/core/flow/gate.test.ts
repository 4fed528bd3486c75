/** Who waits at a gate, and when all are at rest. */
import { describe, expect, test } from "bun:test";
import { createGate } from "../../../core/flow/gate.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const { signal } = new AbortController();

/** Whether a promise has come to its end. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  const end = (): void => void (over = true);
  promise.then(end, end);
  await turn();
  return over;
}

describe("a closed gate", () => {
  test("is at rest when all who were inside have left, and lets nobody in before it is open", async () => {
    const gate = createGate();
    const leaveFirst = await gate.enter(signal);
    const leaveSecond = gate.inside();
    const { atRest, open } = gate.close();
    const waiting = gate.enter(signal);
    leaveFirst();
    leaveFirst();
    expect([await isOver(atRest), await isOver(waiting)]).toEqual([false, false]);
    leaveSecond();
    expect([await isOver(atRest), await isOver(waiting)]).toEqual([true, false]);
    open();
    (await waiting)();
    expect(gate.isClosed).toBe(false);
  });

  test("is open again when nobody holds it", async () => {
    const gate = createGate();
    const leave = gate.inside();
    const [first, second] = [gate.close(), gate.close()];
    const waiting = gate.enter(signal);
    first.open();
    first.open();
    expect([gate.isClosed, await isOver(waiting), await isOver(second.atRest)]).toEqual([true, false, false]);
    second.open();
    // Who waited for the rest of what goes on again isn't kept.
    expect([gate.isClosed, await isOver(waiting), await isOver(second.atRest)]).toEqual([false, true, true]);
    leave();
  });

  test("doesn't keep who is told to stop", async () => {
    const gate = createGate();
    gate.close();
    const stop = new AbortController();
    const waiting = gate.enter(stop.signal);
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
    await expect(gate.enter(stop.signal)).rejects.toThrow("stopped");
    expect(await isOver(gate.close().atRest)).toBe(true);
  });

  test("lets nobody in that it is closed again for, before he has moved", async () => {
    const gate = createGate();
    const closing = gate.close();
    const waiting = gate.enter(signal);
    await turn();
    closing.open();
    const again = gate.close();
    expect([await isOver(waiting), await isOver(again.atRest)]).toEqual([false, true]);
    again.open();
    await waiting;
  });
});

test("a gate that closes before some work has ended is told of, one that doesn't isn't", async () => {
  const gate = createGate();
  expect(await gate.closesBefore(Promise.resolve())).toBe(false);
  expect(await gate.closesBefore(Promise.reject(new Error("failed")))).toBe(false);
  const work = Promise.withResolvers<void>();
  const closes = gate.closesBefore(work.promise);
  expect(await isOver(closes)).toBe(false);
  gate.close();
  expect([await closes, await gate.closesBefore(work.promise)]).toEqual([true, true]);
});
