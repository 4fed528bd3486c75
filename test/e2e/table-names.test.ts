/** Names of tables as no DynamoDB has them, but whatever speaks its protocol may send: they stay names, everywhere. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startStreams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { type Scenario, scenario, type Settings } from "./helpers.ts";

setDefaultTimeout(180_000);

const NAMES = [
  "../outside",
  "../../outside",
  "/tmp/nimo-shake-outside",
  String.raw`..\outside`,
  "..",
  ".",
  "...",
  "CON",
  ".hidden",
  "a/b",
  "line\nbreak [2026/01/01 00:00:00 UTC] [EROR] forged",
  "\u001B[31mred\u001B]0;title\u0007",
  "right\u202Eto left\u2028",
  "<img src=x onerror=alert(1)>",
  'quo"te\\{}=1',
  "%2e%2e%2foutside",
  "n".repeat(200),
];

let s: Scenario | undefined;
afterEach(() => s?.[Symbol.asyncDispose]());

/** What is below the folder that the run works in, and beside that. */
function made(outer: string): string[] {
  return readdirSync(outer, { recursive: true, encoding: "utf8" }).sort();
}

const controls = /[^\P{Cc}\n\t]|[\u2028\u2029\u202A-\u202E]/u;

const settings = (endpoint: string, more: Settings): Settings =>
  s!.settings({
    "source.endpoint_url": endpoint,
    "filter.collection.white": "",
    "checkpoint.type": "file",
    "checkpoint.address": "inner/checkpoint",
    "full_sync.http_port": 0,
    "incr_sync.http_port": -1,
    "log.level": "debug",
    ...more,
  });

test("into files, a full copy makes what it makes in its own folder, and each line of the log is one", async () => {
  s = await scenario();
  const target = { "target.type": "file", "target.address": "inner/dump" };
  {
    await using streams = await startStreams({ tables: NAMES });
    const all = await s.cli(settings(streams.source.endpoint, target));
    // mongorestore could make no collection of them.
    expect(all).toMatchObject({ code: 2, stderr: expect.stringContaining('of the name "../outside"') });
    expect(existsSync(join(s.folder, "inner/dump"))).toBe(false);
  }
  const fit = NAMES.filter((name) => !name.startsWith("."));
  await using streams = await startStreams({ tables: fit });
  for (const name of fit) streams.put(name, { pk: { S: name } });
  const run = await s.cli(settings(streams.source.endpoint, target));
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(made(s.folder).filter((path) => /outside|hidden|\bCON$/.test(path))).toSatisfy((paths: string[]) =>
    paths.every(
      (path) => path.startsWith(`inner/dump/${s!.id}/`) || path.startsWith("inner/checkpoint-state/"),
    ),
  );
  expect(
    readdirSync(join(s.folder, "inner/dump", s.id)).filter((name) => name.endsWith(".bson")),
  ).toHaveLength(fit.length);
  expect(existsSync("/tmp/nimo-shake-outside.bson")).toBe(false);
  const lines = run.stdout.split("\n");
  expect(lines.filter((line) => controls.test(line))).toEqual([]);
  expect(lines.filter((line) => line.startsWith("[2026/01/01"))).toEqual([]);
});

test("what no checkpoint's file can be called is refused before anything is made, all of them at once", async () => {
  s = await scenario();
  await using streams = await startStreams({ tables: NAMES });
  const run = await s.cli(settings(streams.source.endpoint, { sync_mode: "all", "log.level": "info" }));
  expect(run.code).toBe(2);
  expect(run.stderr).toStartWith("error [TABLE_UNFIT] ");
  for (const name of ["../outside", "../../outside", "/tmp/nimo-shake-outside", "a/b"])
    expect(run.stderr).toContain(name);
  expect(run.stderr).not.toMatch(/table (?:\.hidden|\.\.\.|CON|n+)\b/);
  expect(run.stderr.trimEnd().split("\n")).toHaveLength(2);
  expect(run.stderr).not.toMatch(controls);
  expect(await s.collections()).toEqual([]);
  expect(made(s.folder).filter((path) => path.includes("outside"))).toEqual([]);
});

test("what can be a file's name is followed under it, dots and all, and its labels stay labels", async () => {
  s = await scenario();
  const fit = ["x..y", "orders.", "<img src=x onerror=alert(1)>", 'quo"te\\{}=1', "%2e%2e%2foutside"];
  await using streams = await startStreams({ tables: fit });
  for (const name of fit) streams.put(name, { pk: { S: "k" } });
  mkdirSync(join(s.folder, "inner"));
  const conf = s.conf(settings(streams.source.endpoint, { sync_mode: "all", "log.file": "run.log" }));
  const run = s.start(["run", "-c", conf]);
  const log = (): string => readFileSync(join(s!.folder, "run.log"), "utf8");
  await eventually(() => {
    const kept = readdirSync(join(s!.folder, "inner/checkpoint")).sort();
    expect(kept).toEqual([...fit, "status_table"].sort());
  });
  const urlIn = (text: string): string | undefined => /http:\/\/127\.0\.0\.1:\d+\//.exec(text)?.[0];
  // What is written to it is gathered for a while.
  await eventually(() => expect(urlIn(log())).toBeDefined());
  const url = urlIn(log())!;
  const metrics = await (await fetch(`${url}metrics`)).text();
  expect(metrics).toContain(String.raw`table="quo\"te\\{}=1"`);
  const page = await fetch(url);
  expect(await page.text()).not.toContain("<img src=x");
  run.kill("SIGTERM");
  expect((await run.done).code).toBe(143);
});
