/** What ends a command before its end. */
import { expect, test } from "bun:test";
import { createConsola, type LogObject } from "consola";
import { stopSignal } from "../../bin/stop-signal.ts";
import { MigrationError } from "../../core/errors.ts";

function scene() {
  const lines: LogObject[] = [];
  const cleanup = new AsyncDisposableStack();
  const stop = stopSignal(
    cleanup,
    createConsola({ level: 3, reporters: [{ log: (line) => lines.push(line) }] }),
  );
  return { lines, stop, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

/** As the runtime does. */
const happens = (event: string, what: unknown): boolean =>
  process.emit(event as "SIGTERM", what as "SIGTERM");

test.each([
  ["uncaughtException", new Error("boom"), "Error: boom"],
  ["unhandledRejection", "no error at all", "no error at all"],
  ["unhandledRejection", new MigrationError("TARGET_FAILED", "t"), "[TARGET_FAILED]: t"],
])("%s: it is logged, and stops with INTERNAL, whatever comes afterwards", async (event, thrown, says) => {
  await using s = scene();
  expect(happens(event, thrown)).toBe(true);
  expect(s.stop.signal.reason).toMatchObject({ code: "INTERNAL", exit: 1, cause: thrown });
  expect((s.stop.signal.reason as Error).message).toContain(says);
  expect(s.lines.map(({ args }) => args)).toEqual([[s.stop.signal.reason]]);
  happens("SIGTERM", "SIGTERM");
  happens(event, new Error("again"));
  expect(s.stop.stopped).toBeUndefined();
  expect(s.stop.failure).toBe(s.stop.signal.reason);
  expect(s.lines).toHaveLength(3);
});

test("an error after a signal is logged, and the run ends as stopped", async () => {
  await using s = scene();
  happens("SIGTERM", "SIGTERM");
  happens("uncaughtException", new Error("boom"));
  expect(s.stop.signal.reason).toMatchObject({ code: "INTERRUPTED", exit: 143 });
  expect(s.stop.stopped).toMatchObject({ name: "SIGTERM", exit: 143 });
  expect(s.lines).toHaveLength(2);
});

test("at its end nothing listens any more", async () => {
  const count = (): number =>
    ["uncaughtException", "unhandledRejection", "SIGTERM", "SIGINT"].reduce(
      (sum, event) => sum + process.listenerCount(event),
      0,
    );
  const before = count();
  {
    await using _ = scene();
    expect(count()).toBe(before + 4);
  }
  expect(count()).toBe(before);
});
