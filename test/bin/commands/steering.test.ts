/** The commands that speak to the running process. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, isOver, linuxProcess } from "../../../core/host/process.ts";
import { cliCommand } from "../../cli.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(60_000);

const CHILD = join(import.meta.dir, "steered-child.ts");
const CONF = [
  "id = shop",
  "conf.version = 4",
  "target.address = out",
  "target.type = file",
  "sync_mode = full",
];
/** Nobody waits for it. */
const NEVER = "{}";

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A folder with a configuration, and where it is wanted a running process. */
async function place(result?: string) {
  const folder = mkdtempSync(join(tmpdir(), "nimo-steering-"));
  writeFileSync(join(folder, "a.conf"), CONF.map((line) => `${line}\n`).join(""));
  const child =
    result === undefined
      ? undefined
      : Bun.spawn([process.execPath, CHILD, folder, result], {
          cwd: folder,
          stdout: "pipe",
          stderr: "inherit",
        });
  if (child !== undefined) await child.stdout.getReader().read();

  function start(...args: string[]) {
    const cli = Bun.spawn([...cliCommand(folder), ...args, "-c", "a.conf"], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", HOME: folder },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, mirror] = cli.stdout.tee();
    const done = (async (): Promise<Outcome> => {
      const [out, stderr, code] = await Promise.all([
        new Response(stdout).text(),
        new Response(cli.stderr).text(),
        cli.exited,
      ]);
      return { code, stdout: out, stderr };
    })();
    return { cli, mirror, done };
  }

  return {
    folder,
    child,
    start,
    run: (...args: string[]) => start(...args).done,
    async [Symbol.asyncDispose]() {
      child?.kill("SIGKILL");
      await child?.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe("with nothing running", () => {
  test("every command ends with 1 and says so; what can't be understood with 2", async () => {
    await using p = await place();
    const commands = [["switchover"], ["pause"], ["resume"], ["set", "qps.full=5"]];
    for (const { code, stdout, stderr } of await Promise.all(commands.map((args) => p.run(...args)))) {
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toStartWith("error [NOT_RUNNING] nothing is running here with id = shop\nhint: ");
    }
    const { code, stderr } = await p.run("switchover", "--verify=0%");
    expect([code, stderr]).toEqual([2, expect.stringContaining("error [USAGE] --verify 0% is no sample")]);
    expect(readdirSync(p.folder).filter((name) => name.includes("shop"))).toEqual([]);
  });
});

test("that nobody reads any more is no failure", async () => {
  await using p = await place();
  const cli = [...cliCommand(p.folder), "status", "-c", "a.conf"];
  // true is over long before anything is written.
  const piped = Bun.spawn(["sh", "-c", '"$@" | true', "sh", ...cli], {
    cwd: p.folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(piped.stderr).text()).toBe("");
});

/** Lines as programs get them. */
const objects = (text: string): unknown[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);

describe("with log.format = json and a log file", () => {
  const FORM = ["--set", "log.format=json", "--set", "log.file=run.log"];

  test("every line is an object; commands beside a run leave its log file alone, whenever they fail", async () => {
    await using p = await place();
    // A password with an address behind it: with the whole document hidden as one text, members would be gone.
    const secret = [
      "--set",
      "target.type=aliyun_dynamo_proxy",
      "--set",
      "target.address=http://u:geheim99@127.0.0.1:1",
    ];
    const files = ["--set", "checkpoint.type=file", "--set", "source.endpoint_url=http://127.0.0.1:1"];
    const [pause, early, usage, rights, status] = await Promise.all([
      p.run("pause", ...FORM),
      p.run("check", ...FORM, "--set", "qps.full=x"),
      p.run("check", ...FORM, "--frob"),
      p.run("init", "--iam", ...FORM),
      p.run("status", ...FORM, ...secret, ...files),
    ]);
    expect(objects(pause.stderr)).toEqual([expect.objectContaining({ code: "NOT_RUNNING" })]);
    expect(objects(early.stderr)).toEqual([expect.objectContaining({ code: "CONFIG_INVALID" })]);
    expect(objects(usage.stderr)).toEqual([expect.objectContaining({ code: "USAGE" })]);
    expect(objects(rights.stdout)).not.toEqual([]);
    expect(objects(status.stdout)).toEqual([
      expect.objectContaining({ source: "http://127.0.0.1:1", target: "http://***@127.0.0.1:1" }),
    ]);
    expect(existsSync(join(p.folder, "run.log"))).toBe(false);
  });

  test("clean says in the log file what it has failed with", async () => {
    await using p = await place();
    mkdirSync(join(p.folder, "shop.pid"));
    const { code, stderr } = await p.run("clean", ...FORM);
    expect(code).not.toBe(0);
    const failure = objects(stderr).at(-1);
    expect(failure).toMatchObject({ level: "error", code: expect.any(String) });
    expect(objects(readFileSync(join(p.folder, "run.log"), "utf8")).at(-1)).toMatchObject({
      message: (failure as { message: string }).message,
    });
  });

  test("so is what the running process answers", async () => {
    await using p = await place(`{"outcome":"done"}`);
    const set = await p.run("set", "qps.full=50", ...FORM);
    expect(objects(set.stdout)).toMatchObject([{ message: "set", key: "qps.full", was: "700", is: "50" }]);
    const { code, stdout } = await p.run("switchover", ...FORM);
    expect(code).toBe(0);
    expect(objects(stdout)).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining("switched over: all that was written") }),
    );
  });
});

describe("with a process that runs", () => {
  test("pause, resume and set say what is so now; what can't be set is named", async () => {
    await using p = await place(NEVER);
    const steps: [string[], string][] = [
      [["pause"], "paused\n"],
      [["resume"], "running\n"],
      [["resume"], "it was running already\n"],
      [
        ["set", "qps.full=50", "full.read.capacity= 9"],
        "qps.full: 700 → 50\nfull.read.capacity: empty → 9\n",
      ],
      [["set", "full.read.capacity="], "full.read.capacity: 9 → empty\n"],
    ];
    for (const [args, stdout] of steps) expect(await p.run(...args)).toEqual({ code: 0, stdout, stderr: "" });
    const { code, stderr } = await p.run("set", "qps.full=50", "id=other");
    expect(code).toBe(2);
    expect(stderr).toBe("error [CONFIG_INVALID] id can't be set to that\nhint: set another one\n");
  });

  test("switchover ends with 0 when the process has ended, and says who still writes", async () => {
    await using p = await place(`{"outcome":"done","changesAfter":2}`);
    const { code, stdout } = await p.run("switchover");
    // It may wait for its parent, which is this process, to hear of its end.
    const { pid } = p.child!;
    expect(isAlive(pid) && !isOver(linuxProcess(pid)?.state)).toBe(false);
    expect(code).toBe(0);
    expect(stdout).toContain("waiting: 1 shard of orders");
    expect(stdout).toContain("all that was written until 2026/11/26 12:00:00 UTC is applied and saved");
    expect(stdout).toContain("2 changes came that were made after that: somebody still writes");
    expect(existsSync(join(p.folder, "shop.sock"))).toBe(false);
  });

  test("switchover ends with 1 when the process dies before it says that all is saved", async () => {
    await using p = await place(`{"outcome":"done","dies":true}`);
    const { code, stderr } = await p.run("switchover");
    expect(code).toBe(1);
    expect(stderr).toContain("error [CONTROL_FAILED]");
  });

  test("switchover ends with 1 after its time, and with 3 when both sides differ; the run goes on", async () => {
    await using late = await place(
      `{"outcome":"timeout","waitedFor":{"stage":"copying","tables":["orders"],"text":"copying orders"}}`,
    );
    await using differs = await place(`{"outcome":"different"}`);
    const [timeout, different] = await Promise.all([
      late.run("switchover", "--timeout", "90s"),
      differs.run("switchover", "--verify=5%"),
    ]);
    expect(timeout.code).toBe(1);
    expect(timeout.stderr).toContain(
      "error [NOT_SWITCHED] no switch-over within 1m 30s, the run goes on, still waiting: copying orders\nhint:",
    );
    expect(different.code).toBe(3);
    expect(different.stdout).toContain("the run goes on");
    for (const { child } of [late, differs]) expect(isAlive(child!.pid)).toBe(true);
  });

  test("Ctrl-C gives the switch-over up, and the run goes on", async () => {
    await using p = await place(NEVER);
    const { cli, mirror, done } = p.start("switchover");
    let said = "";
    let isAsked = false;
    for await (const piece of mirror) {
      said += new TextDecoder().decode(piece as Uint8Array);
      if (isAsked || !said.includes("1 shard of orders")) continue;
      isAsked = true;
      cli.kill("SIGINT");
    }
    const { code, stdout } = await done;
    expect(code).toBe(130);
    expect(stdout).toEndWith("the switch-over was given up, and the run goes on\n");
    expect((await p.run("resume")).stdout).toBe("it was running already\n");
  });
});
