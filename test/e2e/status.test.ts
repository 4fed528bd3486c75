/** The command `status` in a migration's life: before its first run, while it copies, follows, is stopped, is killed. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { StatusDocument } from "../../core/run/status-document.ts";
import { cliCommand } from "../cli.ts";
import { startStreams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { type Scenario, scenario } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** All names in a folder and below it, but for the executable and the runtime's cache that tests put there. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name !== "nimo-shake" && !name.startsWith(".bun"))
    .sort();

const databasesOf = async ({ client, id }: Scenario): Promise<string[]> =>
  (await client.db("admin").admin().listDatabases({ nameOnly: true })).databases
    .map(({ name }) => name)
    .filter((name) => name.startsWith(id));

/** `status` of a folder other than the one the run was started in. */
async function fromElsewhere(s: Scenario, conf: string): Promise<StatusDocument> {
  const cwd = join(s.folder, "elsewhere");
  mkdirSync(cwd, { recursive: true });
  const env = { PATH: process.env.PATH ?? "", HOME: cwd };
  const child = Bun.spawn([...cliCommand(cwd), "status", "--json", "-c", conf], { cwd, env });
  return (await new Response(child.stdout).json()) as StatusDocument;
}

describe.each(["mongodb", "file"])("checkpoint.type = %s", (type) => {
  test("status says where it stands, whether it runs or not, and makes nothing", async () => {
    await using s = await scenario();
    let isHeld = true;
    const pages = [
      ["a", "b"],
      ["c", "d"],
    ].map((keys) => keys.map((pk) => ({ pk: { S: pk } })));
    await using streams = await startStreams({
      tables: ["t"],
      misbehave({ operation, body }) {
        if (operation !== "Scan") return undefined;
        const isFirst = body["ExclusiveStartKey"] === undefined;
        if (isFirst) return { result: { Items: pages[0], Count: 2, LastEvaluatedKey: pages[0]![1] } };
        if (isHeld) return { error: "ProvisionedThroughputExceededException" };
        return { result: { Items: pages[1], Count: 2 } };
      },
    });
    for (const item of pages.flat()) streams.put("t", item);
    const settings = s.settings({
      sync_mode: "all",
      "incr_sync.http_port": -1,
      "source.endpoint_url": streams.source.endpoint,
      "filter.collection.white": "t",
      "checkpoint.type": type,
      "checkpoint.address": type === "file" ? join(s.folder, "kept", "checkpoint") : s.mongoUri,
    });
    const conf = s.conf(settings);
    const status = async (): Promise<StatusDocument> => {
      const { code, stdout, stderr } = await s.run(["status", "--json", "-c", conf]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout.trimEnd()).not.toContain("\n");
      return JSON.parse(stdout) as StatusDocument;
    };

    // Before the first run, and with a source that nobody asks.
    const away = s.conf({ ...settings, "source.endpoint_url": "http://127.0.0.1:1" });
    const files = filesIn(s.folder);
    const before = await s.run(["status", "-c", away]);
    expect(before).toMatchObject({ code: 0, stderr: "" });
    expect(before.stdout).toContain(`id = ${s.id}: not running\n`);
    expect(before.stdout).toContain("nothing has run yet: a start begins with copying\n");
    expect(await status()).toMatchObject({
      running: false,
      pid: null,
      phase: "none",
      lease: null,
      lagSeconds: null,
    });
    expect(filesIn(s.folder)).toEqual(files);
    expect(await databasesOf(s)).toEqual([]);

    // While it copies.
    let run = s.start(["run", "-c", conf]);
    const copying = await until(status, ({ tables }) => tables[0]?.state === "copying" && tables[0].read > 0);
    expect(copying).toMatchObject({
      running: true,
      answered: true,
      phase: "full",
      switchOver: { good: false },
    });
    expect(copying.tables[0]).toMatchObject({
      name: "t",
      read: 2,
      segments: { done: 0, all: 1 },
    });
    expect(copying.remains).toEqual({ copy: ["t"], index: ["t"] });
    expect(copying.lease).toMatchObject({ pid: copying.pid, alive: true });

    // While it follows, looked at from another folder too.
    isHeld = false;
    const following = await until(status, ({ switchOver }) => switchOver.good);
    expect(following).toMatchObject({ running: true, pid: copying.pid, phase: "incr", start: null });
    expect(following.lagSeconds).toBeLessThan(2);
    expect(Date.parse(following.savedAt!)).toBeGreaterThan(Date.parse(following.begunAt!));
    expect(following.tables[0]).toMatchObject({ state: "following", segments: { done: 1, all: 1 } });
    expect(following.tables[0]!.stream!.shards.map(({ status }) => status)).toEqual(["running", "running"]);
    const elsewhere = await fromElsewhere(s, conf);
    expect(elsewhere).toMatchObject({ running: true, pid: copying.pid, phase: "incr" });
    expect(elsewhere.answered).toBe(existsSync("/proc/self/cwd"));

    // After kill -9: the lease is there still, and nobody has it.
    run.kill("SIGKILL");
    await run.done;
    const killed = await status();
    expect(killed).toMatchObject({
      running: false,
      pid: null,
      phase: "incr",
      lease: { pid: copying.pid, alive: false },
      start: { does: "go on" },
      switchOver: { good: false, text: "no, nothing runs" },
    });
    expect(killed.lagSeconds).toBeGreaterThan(0);
    expect(killed.tables[0]).toMatchObject({ state: "done", read: 4, segments: { done: 1, all: 1 } });

    // After a clean stop.
    run = s.start(["run", "-c", conf]);
    await until(status, ({ phase, answered }) => answered && phase === "incr");
    run.kill("SIGTERM");
    expect((await run.done).code).toBe(143);
    const after = filesIn(s.folder);
    const stopped = await s.run(["status", "-c", conf]);
    expect(stopped.stdout).toMatch(/phase: incremental, stopped, \S+.* behind\n/);
    expect(stopped.stdout).toContain("lease: nobody has it\n");
    expect(stopped.stdout).toContain("a start goes on where the last one stopped\n");
    expect(filesIn(s.folder)).toEqual(after);
    const other = await s.run(["status", "-c", conf, "--set", "convert.type=raw"]);
    expect(other.stdout).toContain(
      "a start is refused, the settings have changed: convert.type was change and is raw",
    );
  });
});

test("status --watch goes on while a run begins and ends, an object a line; SIGINT ends it with 0", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: [{ pk: { S: "a" } }] });
  const conf = s.conf(s.settings());
  const watch = Bun.spawn([...cliCommand(s.folder), "status", "--watch", "--json", "-c", conf], {
    cwd: s.folder,
    env: { PATH: process.env.PATH ?? "", HOME: s.folder },
    stderr: "pipe",
  });
  const seen: StatusDocument[] = [];
  const reading = (async () => {
    let text = "";
    for await (const piece of watch.stdout) {
      const lines = (text + new TextDecoder().decode(piece)).split("\n");
      text = lines.pop()!;
      seen.push(...lines.map((line) => JSON.parse(line) as StatusDocument));
    }
  })();
  await eventually(() => expect(seen.at(-1)?.phase).toBe("none"));
  expect((await s.run(["run", "-c", conf])).code).toBe(0);
  await eventually(() => expect(seen.at(-1)).toMatchObject({ phase: "done", running: false }));
  expect(seen.at(-1)!.tables[0]).toMatchObject({ name: table, state: "done", read: 1 });
  watch.kill("SIGINT");
  expect(await watch.exited).toBe(0);
  await reading;
  expect(await new Response(watch.stderr).text()).toBe("");
});

test("status of a checkpoint that can't be read ends with 1, and names the setting", async () => {
  await using s = await scenario();
  const uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200";
  const { code, stdout, stderr } = await s.run([
    "status",
    "--json",
    "-c",
    s.conf(s.settings({ "target.address": uri })),
  ]);
  expect([code, stdout]).toEqual([1, ""]);
  // It is beside the target, whose server is what is away.
  expect(stderr).toContain("error [TARGET_UNREACHABLE]");
  expect(stderr).toContain("target.address");
});

/** Asks until the answer is as it should be. */
async function until(
  ask: () => Promise<StatusDocument>,
  is: (status: StatusDocument) => boolean,
): Promise<StatusDocument> {
  let status: StatusDocument | undefined;
  await eventually(async () => {
    status = await ask();
    expect(is(status) ? "so" : status).toBe("so");
  });
  return status!;
}
