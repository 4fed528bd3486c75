/** Another executable, as the benchmark starts it: its command, and its end. */
import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { runTool, type ToolCommand, type ToolResult } from "../../bench/run-tool.ts";
import { commandAgainst, confAgainst } from "../../bench/tool.ts";

describe("its command", () => {
  test.each([
    ["nimo-shake", ["nimo-shake"]],
    ["bun package.json --smol", ["bun", resolve("package.json"), "--smol"]],
    [`'/a b/tool' "c d"`, ["/a b/tool", "c d"]],
  ])("%p", (text, words) => {
    expect(commandAgainst(text, "/f.conf")).toEqual([...words, "-conf=/f.conf"]);
  });

  test("has to be one", () => {
    expect(() => commandAgainst("  ", "/f.conf")).toThrow("--against needs a command");
  });
});

test("its conf has what NimoShake wants, what ours has over that, and what is set last", () => {
  const conf = confAgainst({ id: "bench", "qps.incr": "5", "log.level": "warn" }, { "log.level": "debug" });
  expect(conf).toMatchObject({
    id: "bench",
    "full.concurrency": "4",
    "qps.incr": "5",
    "log.level": "debug",
  });
});

const AGES = 600_000;

function run(
  script: string,
  more: Partial<ToolCommand<{ firstRequestAt: number }>> = {},
): Promise<ToolResult<{ firstRequestAt: number }>> {
  return runTool({
    command: [process.execPath, "-e", script],
    cwd: process.cwd(),
    items: 1,
    source: { stats: async () => ({ firstRequestAt: 1 }) },
    signal: new AbortController().signal,
    ...more,
  });
}

describe("its end", () => {
  const stays = `setInterval(() => {}, ${AGES})`;

  test("by itself", async () => {
    const { output, wallMs, cpuUs, peakBytes } = await run(`console.log("full sync done!")`);
    expect(output).toBe("full sync done!\n");
    for (const figure of [wallMs, cpuUs, peakBytes]) expect(figure).toBeGreaterThan(0);
  });

  test.each(["log", "error"])("by us, when it is done (console.%s) and stays", async (print) => {
    const script = `console.${print}("full sync done!"); ${stays}`;
    const { wallMs, doneAt, startedAt } = await run(script, { ends: "either", lingerMs: 1 });
    expect(wallMs).toBe(doneAt - startedAt);
  });

  test("by us, when what is looked at is there", async () => {
    const { doneAt, startedAt } = await run(stays, { done: async () => {}, ends: "stopped" });
    expect(doneAt).toBeGreaterThanOrEqual(startedAt);
  });

  test("before it was done is a failure with what it has said", async () => {
    const failed = run(`console.error("no mongod"); process.exit(2)`);
    await expect(failed).rejects.toThrow(/exit code 2 and was not done:\nno mongod/);
    await expect(run(`console.log("full sync done!"); process.exit(3)`)).rejects.toThrow("exit code 3:");
    await expect(run("", { done: () => new Promise(() => {}) })).rejects.toThrow("was not done");
  });
});
