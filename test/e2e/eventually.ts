/** Waiting for what becomes true. */
import { setTimeout as sleep } from "node:timers/promises";

const SECOND = 1000;

/** Waits until an assertion holds, and fails as it does in the end. */
export async function eventually(
  assertion: () => void | Promise<void>,
  within: number = 100 * SECOND,
): Promise<void> {
  const deadline = Date.now() + within;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(50);
  }
}
