/** What moves is saved soon, together, and one save after the other. */
import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Persister, createPersister } from "../../../core/checkpoint/persister.ts";
import { eventually } from "../../e2e/eventually.ts";

const INTERVAL = 20;

/** One whose saves take as long as the test likes. */
function held(): {
  states: Persister<string, number>;
  saves: Record<string, number>[];
  failures: unknown[];
  /** Ends the save that runs. */
  end: (error?: Error) => void;
} {
  const saves: Record<string, number>[] = [];
  const failures: unknown[] = [];
  let running: PromiseWithResolvers<void> | undefined;
  const states = createPersister<string, number>({
    save(given) {
      saves.push(Object.fromEntries(given));
      running = Promise.withResolvers<void>();
      return running.promise;
    },
    interval: INTERVAL,
    onFailure: (error) => void failures.push(error),
  });
  return {
    states,
    saves,
    failures,
    end: (error) => (error === undefined ? running!.resolve() : running!.reject(error)),
  };
}

test("the newest states are saved together, soon", async () => {
  const { states, saves, end } = held();
  states.put("a", 1);
  states.put("b", 1);
  states.put("a", 2);
  expect(saves).toEqual([]);
  await eventually(() => expect(saves).toEqual([{ a: 2, b: 1 }]));
  end();
});

test("what is put while a save takes longer than the interval is saved after it, and what comes later too", async () => {
  const { states, saves, end } = held();
  states.put("a", 1);
  await eventually(() => expect(saves).toHaveLength(1));
  states.put("a", 2);
  await sleep(3 * INTERVAL);
  states.put("a", 3);
  expect(saves).toHaveLength(1);
  end();
  await eventually(() => expect(saves).toEqual([{ a: 1 }, { a: 3 }]));
  end();
  await sleep(INTERVAL);
  states.put("a", 4);
  await eventually(() => expect(saves.at(-1)).toEqual({ a: 4 }));
  end();
});

test("a save that is hurried while a slow one runs comes after it", async () => {
  const { states, saves, end } = held();
  states.put("a", 1);
  states.hurry();
  expect(saves).toHaveLength(1);
  states.put("a", 2);
  states.hurry();
  await sleep(3 * INTERVAL);
  expect(saves).toHaveLength(1);
  end();
  await eventually(() => expect(saves).toEqual([{ a: 1 }, { a: 2 }]));
  end();
});

test("flush saves what was put while a save ran", async () => {
  const { states, saves, end } = held();
  states.put("a", 1);
  states.hurry();
  states.put("b", 1);
  const flushed = states.flush();
  end();
  await eventually(() => expect(saves).toEqual([{ a: 1 }, { b: 1 }]));
  end();
  await flushed;
});

test("after a failure there is no other save, and flush says so", async () => {
  const { states, saves, failures, end } = held();
  states.put("a", 1);
  states.hurry();
  states.put("a", 2);
  end(new Error("no room"));
  await eventually(() => expect(failures).toHaveLength(1));
  await sleep(3 * INTERVAL);
  states.put("a", 3);
  await expect(states.flush()).rejects.toThrow("no room");
  expect(saves).toHaveLength(1);
});
