/** Rests that end together. */
import { expect, test } from "bun:test";
import { createRests } from "../../../core/incr/rests.ts";

const { signal } = new AbortController();

/** In which order, and how many at once, rests end. */
function watched(): { over: string[]; watch: (name: string, rest: Promise<void>) => Promise<void> } {
  const over: string[] = [];
  return { over, watch: (name, rest) => rest.then(() => void over.push(name)) };
}

test("of about the same length end at one moment", async () => {
  const rests = createRests();
  const moments: number[] = [];
  let turn = 0;
  const ends = Array.from({ length: 100 }, async () => {
    await rests.rest(400, signal);
    moments.push(turn);
    queueMicrotask(() => turn++);
  });
  const from = performance.now();
  await Promise.all(ends);
  // All of them in the run of one timer: no task comes between them.
  expect(new Set(moments).size).toBeLessThanOrEqual(2);
  expect(performance.now() - from).toBeGreaterThan(340);
});

test("end with their own signal, and the others go on", async () => {
  const rests = createRests();
  const { over, watch } = watched();
  const giveUp = new AbortController();
  const going = watch("going", rests.rest(60_000, signal));
  const gone = watch("gone", rests.rest(60_000, giveUp.signal));
  giveUp.abort();
  await gone;
  expect(over).toEqual(["gone"]);
  rests.wake();
  await going;
  expect(over).toEqual(["gone", "going"]);
});

test("don't begin when it is over already", async () => {
  await createRests().rest(60_000, AbortSignal.abort());
});

test("are all ended when somebody wakes them, and rest again after that", async () => {
  const rests = createRests();
  const { over, watch } = watched();
  const ends = [1, 100, 60_000].map((ms) => watch("", rests.rest(ms, signal)));
  rests.wake();
  await Promise.all(ends);
  const again = watch("again", rests.rest(60_000, signal));
  await Promise.resolve();
  expect(over).toEqual(["", "", ""]);
  rests.wake();
  await again;
});

test("listen once to the signal that they share, whose end ends all of them", async () => {
  const run = new AbortController();
  let listening = 0;
  const { addEventListener } = run.signal;
  run.signal.addEventListener = ((...args: Parameters<typeof addEventListener>) => {
    listening++;
    addEventListener.apply(run.signal, args);
  }) as typeof addEventListener;
  const rests = createRests();
  const { over, watch } = watched();
  const ends = [1, 50, 100, 60_000].map((ms) => watch("", rests.rest(ms, run.signal)));
  rests.wake();
  await Promise.all(ends);
  const more = [60_000, 61_000, 62_000].map((ms) => watch("", rests.rest(ms, run.signal)));
  expect(listening).toBe(1);
  run.abort();
  await Promise.all(more);
  expect(over).toHaveLength(7);
});
