import { expect, test } from "bun:test";
import { answered } from "../../../plugins/target/_mongodb-client.ts";

const never = new Promise<never>(() => {});

test("an answer that never comes is given up when the run is abandoned", async () => {
  const run = new AbortController();
  setTimeout(() => run.abort(), 50);
  await expect(answered(never, run.signal)).rejects.toThrow("no answer before the run ended");
  // Nor is it waited for afterwards.
  await expect(answered(never, run.signal)).rejects.toThrow("no answer before the run ended");
});

test("an answer or a refusal is passed on", async () => {
  const { signal } = new AbortController();
  expect(await answered(Promise.resolve(1), signal)).toBe(1);
  await expect(answered(Promise.reject(new Error("refused")), signal)).rejects.toThrow("refused");
});
