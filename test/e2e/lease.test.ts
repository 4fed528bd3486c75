/** Several processes of one id, each in a folder of its own: the pid file keeps none of them away. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { startStreams, type Streams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { type Scenario, scenario } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const CHILD = resolve(import.meta.dir, "lease-child.ts");
/** As short as a busy machine allows. */
const SHORT = 1500;
/** Nobody waits for its end here. */
const LONG = 60_000;

/** Processes over one scripted source and one checkpoint. */
async function processes(type: string) {
  const s: Scenario = await scenario();
  const streams: Streams = await startStreams({ tables: ["t"] });
  streams.put("t", { pk: { S: "a" }, n: { N: "0" } });
  const settings = s.settings({
    sync_mode: "all",
    "source.endpoint_url": streams.source.endpoint,
    "filter.collection.white": "",
    "checkpoint.type": type,
    "checkpoint.address": type === "file" ? join(s.folder, "checkpoint") : s.mongoUri,
  });
  const texts = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]));
  const started: Bun.Subprocess[] = [];

  function start(...more: string[]) {
    const cwd = join(s.folder, `process-${started.length}`);
    mkdirSync(cwd);
    const child = Bun.spawn([process.execPath, CHILD, JSON.stringify(texts), ...more], {
      cwd,
      env: { PATH: process.env.PATH ?? "", HOME: cwd, AWS_EC2_METADATA_DISABLED: "true" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    started.push(child);
    let said = "";
    const reading = (async () => {
      for await (const some of child.stdout) said += new TextDecoder().decode(some);
    })();
    const stderr = new Response(child.stderr).text();
    return {
      kill: (signal: NodeJS.Signals): void => child.kill(signal),
      input: (text: string) => child.stdin.write(text) as number,
      async says(what: string): Promise<void> {
        const ended = child.exited.then(async (code) => {
          throw new Error(`ended with ${code}: ${said}${await stderr}`);
        });
        await Promise.race([ended, eventually(() => expect(said).toContain(`${what}\n`))]);
      },
      async ended() {
        const code = await child.exited;
        await reading;
        return { code, stdout: said, stderr: await stderr };
      },
    };
  }

  return {
    streams,
    start,
    put: (n: number): void => streams.put("t", { pk: { S: "a" }, n: { N: String(n) } }),
    has: (n: number) => eventually(async () => expect(await documents(s)).toEqual([n])),
    async [Symbol.asyncDispose]() {
      for (const child of started) child.kill("SIGKILL");
      await Promise.all(started.map(({ exited }) => exited));
      await streams[Symbol.asyncDispose]();
      await s[Symbol.asyncDispose]();
    },
  };
}

const documents = async ({ db }: Scenario): Promise<number[]> =>
  (await db.collection("t").find().toArray()).map(({ n }) => Number(n));

describe.each(["mongodb", "file"])("checkpoint.type = %s", (type) => {
  test("a second process is refused; after kill -9 and after a clean stop the next one begins at once", async () => {
    await using all = await processes(type);
    let running = all.start(String(SHORT));
    await running.says("following");

    const second = await all.start(String(LONG)).ended();
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(/\[ALREADY_RUNNING\] id = .* process \d+ on host \S+ since \d{4}-/);

    for (const [n, signal] of (["SIGKILL", "SIGTERM"] as const).entries()) {
      running.kill(signal);
      expect((await running.ended()).code).toBe(signal === "SIGTERM" ? 0 : 137);
      all.put(n + 1);
      const killedAt = performance.now();
      running = all.start(String(LONG));
      await running.says("following");
      expect(performance.now() - killedAt).toBeLessThan(LONG / 2);
      await all.has(n + 1);
    }
  });

  test("one that was paused and replaced doesn't write what it was about to", async () => {
    await using all = await processes(type);
    const paused = all.start(String(SHORT), "holds");
    await paused.says("following");
    all.put(1);
    await paused.says("before the write");
    paused.kill("SIGSTOP");

    const other = all.start(String(SHORT));
    await other.says("following");
    all.put(2);
    await all.has(2);

    paused.input("go on\n");
    paused.kill("SIGCONT");
    const { code, stdout, stderr } = await paused.ended();
    expect(stdout).toContain("at the write");
    expect(stderr).toMatch(/\[ALREADY_RUNNING\] process \d+ on host \S+ since \S+ has taken over id = /);
    expect(code).toBe(1);
    await all.has(2);
    all.put(3);
    await all.has(3);
    other.kill("SIGTERM");
    expect((await other.ended()).code).toBe(0);
  });
});
