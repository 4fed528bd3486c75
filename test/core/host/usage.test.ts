/** What a process says of itself: it has used something, and waited no longer than it is there. */
import { expect, test } from "bun:test";
import { processUsage } from "../../../core/host/usage.ts";

test("usage grows with the process, and waiting is idle", async () => {
  const before = processUsage();
  await Bun.sleep(20);
  const after = processUsage();
  const waited = after.seconds - before.seconds;
  expect(waited).toBeGreaterThan(0);
  expect(after.cpuSeconds).toBeGreaterThan(0);
  expect(after.cpuSeconds).toBeGreaterThanOrEqual(before.cpuSeconds);
  expect(after.peakBytes).toBeGreaterThan(2 ** 20);
  const idle = after.idleSeconds! - before.idleSeconds!;
  expect(idle).toBeGreaterThan(waited / 2);
  expect(after.idleSeconds!).toBeLessThanOrEqual(after.seconds);
});
