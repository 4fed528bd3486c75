/** Calls of plugins that are waited for: what they give, and what is said of one that doesn't come back. */
import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConsola } from "consola";
import { createPluginCalls, type PluginCalls } from "../../../core/run/plugin-calls.ts";

interface Made {
  calls: PluginCalls;
  abandon: AbortController;
  warnings: string[];
}

function make(slow?: number): Made {
  const warnings: string[] = [];
  const reporter = { log: ({ args }: { args: unknown[] }) => void warnings.push(args.join(" ")) };
  const abandon = new AbortController();
  const log = createConsola({ level: 1, reporters: [reporter] });
  const calls = createPluginCalls({ log, abandon: abandon.signal, last: 10, ...(slow && { slow }) });
  return { calls, abandon, warnings };
}

test("what comes back at once costs no wait, what it throws is thrown", async () => {
  const { calls, warnings } = make();
  expect(calls.wait("it", () => 5)).toBe(5);
  expect(await calls.wait("it", async () => 6)).toBe(6);
  await expect(calls.wait("it", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(() =>
    calls.wait("it", () => {
      throw new Error("at once");
    }),
  ).toThrow("at once");
  calls[Symbol.dispose]();
  expect(warnings).toEqual([]);
});

test("a hook that takes long is named once, and what it gives counts", async () => {
  const { calls, warnings } = make(20);
  const [quick, role] = [true, false];
  const both = [quick, role].map((isQuick) =>
    calls.wait(`one ${isQuick}`, () => sleep(200, "late"), isQuick),
  );
  expect(await Promise.all(both)).toEqual(["late", "late"]);
  expect(warnings).toEqual(["one true hasn't come back for 0.02 s: what waits for it stands still"]);
  calls[Symbol.dispose]();
});

test("what is begun after all is given up has a moment", async () => {
  const { calls, abandon } = make();
  abandon.abort(new Error("stopped"));
  expect(await calls.wait("it", () => sleep(1, "in time"))).toBe("in time");
  await expect(calls.wait("it", () => sleep(10_000, "late", { ref: false }))).rejects.toThrow("stopped");
  calls[Symbol.dispose]();
});

test("an iteration's steps and its end are those of what is iterated, and its parts have their methods", async () => {
  const { calls } = make();
  const ended: string[] = [];
  const role = calls.watched("role", {
    count: 3,
    async *read(this: { count: number }, from: number) {
      try {
        for (let n = from; n < this.count; n++) yield n;
      } finally {
        ended.push("ended");
      }
    },
    stored: { find: async (key: string) => key.toUpperCase() },
  });
  const seen: number[] = [];
  for await (const n of role.read(1)) seen.push(n);
  for await (const n of role.read(0)) if (n === 1) break;
  expect([seen, ended]).toEqual([
    [1, 2],
    ["ended", "ended"],
  ]);
  expect(await role.stored.find("a")).toBe("A");
  expect("stored" in role && !("other" in role)).toBe(true);
  calls[Symbol.dispose]();
});
