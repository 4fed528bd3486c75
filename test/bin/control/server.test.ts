/** The control socket of a running process. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../e2e/eventually.ts";
import { fakeTable } from "../../fakes/progress.ts";
import { ask, connectTo } from "../../../bin/control/client.ts";
import { encode, LONGEST_REQUEST, type Result } from "../../../bin/control/protocol.ts";
import { MigrationError } from "../../../core/errors.ts";
import { noneCompared } from "../../../core/verify/report.ts";
import { type Scene, scene } from "./scene.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(60_000);

const MODULE = join(import.meta.dir, "scene.ts");

/** The last answer's result. */
async function result(s: Scene, request: Parameters<Scene["answers"]>[0]): Promise<Result> {
  const last = (await s.answers(request)).at(-1)!;
  if (last.type !== "result") throw new Error(`no result: ${JSON.stringify(last)}`);
  return last.result;
}

async function refusal(s: Scene, request: Parameters<Scene["answers"]>[0]): Promise<MigrationError> {
  const error: unknown = await s.answers(request).catch((thrown: unknown) => thrown);
  if (!(error instanceof MigrationError)) throw new Error("it wasn't refused");
  return error;
}

/** A process with a control socket in a folder, until it is killed. */
function child(folder: string, id: string): Bun.Subprocess<"ignore", "pipe"> {
  const code = `
    const { scene } = await import(${JSON.stringify(MODULE)});
    const { warnings } = await scene(${JSON.stringify(id)}, ${JSON.stringify(folder)});
    console.log(warnings.length === 0 ? "has it" : warnings[0]);
    setInterval(() => {}, 1000);
  `;
  const stdio = { stdin: "ignore", stdout: "pipe", stderr: "inherit" } as const;
  return Bun.spawn([process.execPath, "-e", code], stdio);
}

async function firstLine(process: Bun.Subprocess<"ignore", "pipe">): Promise<string> {
  const { value } = await process.stdout.getReader().read();
  return new TextDecoder().decode(value).trim();
}

describe("the socket", () => {
  test("is for its user only, leaves nothing beside it, and goes with its process", async () => {
    await using s = await scene();
    expect(s.warnings).toEqual([]);
    expect(readdirSync(s.folder)).toEqual(["shop.sock"]);
    expect(statSync(s.path).mode & 0o777).toBe(0o600);
    await s.server[Symbol.asyncDispose]();
    expect(readdirSync(s.folder)).toEqual([]);
    await s.server[Symbol.asyncDispose]();
  });

  test("of an id as long as can be is found", async () => {
    await using s = await scene("x".repeat(63));
    expect(s.warnings).toEqual([]);
    expect((await result(s, { verb: "status" })).verb).toBe("status");
  });

  test("of a process killed with -9 is replaced, of a living one it isn't", async () => {
    await using s = await scene("other");
    const killed = child(s.folder, "shop");
    expect(await firstLine(killed)).toBe("has it");
    killed.kill("SIGKILL");
    await killed.exited;
    expect(existsSync(join(s.folder, "shop.sock"))).toBe(true);

    const both = [child(s.folder, "shop"), child(s.folder, "shop")];
    try {
      const said = await Promise.all(both.map(firstLine));
      expect(said.filter((line) => line === "has it")).toHaveLength(1);
      expect(said.find((line) => line !== "has it")).toContain("another process listens on");
      const winner = both[said.indexOf("has it")]!;
      both[1 - said.indexOf("has it")]!.kill("SIGTERM");
      const socket = await connectTo(join(s.folder, "shop.sock"));
      socket.write(encode({ verb: "status" }));
      const line = await new Promise((done) => void socket.once("data", done));
      expect(String(line)).toContain(`"pid":${winner.pid}`);
      socket.destroy();
    } finally {
      for (const each of both) each.kill("SIGKILL");
      await Promise.all(both.map(({ exited }) => exited));
    }
  });

  test("that another process has by now stays when the first one ends", async () => {
    await using s = await scene();
    // as if somebody had deleted it
    await Bun.file(s.path).delete();
    const second = await s.another();
    await s.server[Symbol.asyncDispose]();
    expect(existsSync(s.path)).toBe(true);
    await second[Symbol.asyncDispose]();
    expect(existsSync(s.path)).toBe(false);
  });

  test("that can't be made is a warning, and what is there stays", async () => {
    await using s = await scene("other");
    writeFileSync(join(s.folder, "shop.sock"), "a file");
    await using taken = await scene("shop", s.folder);
    expect(taken.warnings).toEqual([expect.stringContaining("can't be made, something else has that name")]);
    expect(readdirSync(s.folder).toSorted()).toEqual(["other.sock", "shop.sock"]);
    await using none = await scene("none", join(s.folder, "none"));
    expect(none.warnings).toEqual([expect.stringContaining("can't be made")]);
  });
});

describe("verbs", () => {
  test("status gives what the ports give", async () => {
    await using s = await scene();
    s.progress.tables.set("orders", fakeTable({ name: "orders", state: "copying", read: 5 }));
    const { status } = (await result(s, { verb: "status" })) as Extract<Result, { verb: "status" }>;
    expect(status).toMatchObject({ id: "shop", pid: process.pid, phase: "starting" });
    expect(status.tables).toEqual([expect.objectContaining({ name: "orders", state: "copying", read: 5 })]);
  });

  test("pause answers when all that was read is written, resume at once", async () => {
    await using s = await scene();
    const pausing = s.answers({ verb: "pause" });
    await eventually(() => expect(s.control.calls).toEqual(["pause"]));
    s.control.settle();
    expect(await pausing).toEqual([
      { type: "waiting", text: expect.any(String) },
      { type: "result", result: { verb: "pause", paused: true, already: false } },
    ] as never);
    expect(await result(s, { verb: "resume" })).toEqual({ verb: "resume", paused: false, already: false });
    expect(await result(s, { verb: "resume" })).toEqual({ verb: "resume", paused: false, already: true });
  });

  test("set tells what settings were, before this change and the one before", async () => {
    await using s = await scene();
    const set = (texts: Record<string, string>) => ({ verb: "set", values: Object.entries(texts) }) as const;
    const changes = async (texts: Record<string, string>) => (await result(s, set(texts))) as object;
    const both = { "qps.full": "50", "full.read.capacity": "9" };
    expect(await changes(both)).toEqual({
      verb: "set",
      changes: [
        { key: "qps.full", was: "700", is: "50" },
        { key: "full.read.capacity", was: "", is: "9" },
      ],
    });
    expect(await refusal(s, set({ "qps.full": "wrong" }))).toMatchObject({
      code: "CONFIG_INVALID",
      exit: 2,
      message: "qps.full can't be set to that",
      hint: "set another one",
    });
    // An empty one means the default.
    expect(await changes({ "qps.full": "", "full.read.capacity": "" })).toMatchObject({
      changes: [
        { was: "50", is: "1000" },
        { was: "9", is: "" },
      ],
    });
    for (const key of ["id", "__proto__", "constructor"])
      expect(await refusal(s, { verb: "set", values: [[key, "1"]] })).toMatchObject({ exit: 2 });
  });

  test("switchover tells what it waits for, what came of it, and that the process has ended", async () => {
    await using s = await scene();
    const socket = await s.connect();
    let said = "";
    socket.on("data", (piece: Buffer) => (said += piece.toString()));
    const closed = new Promise((resolve) => void socket.on("close", resolve));
    socket.write(encode({ verb: "switchover", timeout: 5000, verify: { share: 0.05 } }));
    await eventually(() => expect(s.control.switching).toBeDefined());
    expect(s.control.switching).toMatchObject({ timeout: 5000, verify: { share: 0.05 } });
    s.control.switching!.onWaiting!({ stage: "catching up", tables: ["t"], text: "1 shard of t" });
    // The run is over before anybody has heard of the result.
    s.control.finish({ changesAfter: 3 });
    await s.server.ended();
    await eventually(() => expect(said).toContain(`"outcome":"done"`));
    expect(said).toContain(`"text":"1 shard of t"`);
    await s.server[Symbol.asyncDispose]();
    await eventually(() => expect(said).toMatch(/"outcome":"done".*\n.*"type":"ended"/));
    // It is closed by the end of the process alone.
    expect(socket.readyState).toBe("open");
    socket.destroy();
    await closed;
  });

  test.each([
    ["pause", "NOT_RUNNING", "it isn't paused"],
    ["switchover", "NOT_SWITCHED", "it isn't switched over"],
  ] as const)(
    "a %s whose run ends meanwhile has failed by itself, and says with what",
    async (verb, code, not) => {
      const stopped = new MigrationError("INTERRUPTED", "SIGTERM stopped the run", { exit: 143 });
      const failed = new MigrationError("TARGET_EXISTS", "it is there already", { hint: "drop it" });
      for (const [failure, why] of [
        [stopped, "the run was stopped meanwhile: SIGTERM stopped the run"],
        [failed, "the run failed meanwhile with [TARGET_EXISTS]: it is there already"],
      ] as const) {
        await using s = await scene();
        const asked = s.answers({ verb, timeout: 5000 }).catch((error: unknown) => error);
        await eventually(() => expect(s.control.calls).toEqual([verb]));
        s.control.fail(failure);
        expect(await asked).toMatchObject({ code, exit: 1, message: `${not}, ${why}` });
      }
      // What the verb itself is refused with stays as it is.
      await using s = await scene();
      s.control.hasEndedBy = () => false;
      const asked = s.answers({ verb, timeout: 5000 }).catch((error: unknown) => error);
      await eventually(() => expect(s.control.calls).toEqual([verb]));
      s.control.fail(failed);
      expect(await asked).toMatchObject({ code: "TARGET_EXISTS", exit: 2 });
    },
  );

  test("a switch-over that isn't done isn't told of an end; its verdict comes as text, without secrets", async () => {
    await using s = await scene();
    const answers = s.answers({ verb: "switchover", timeout: 5000, verify: "all" });
    await eventually(() => expect(s.control.switching).toBeDefined());
    const fault = { table: "t", kind: "extra", target: "hunter2hunter2" } as const;
    const counts = { ...noneCompared(), compared: 1, extra: 1 };
    const verdict = { tables: new Map([["t", counts]]), first: [fault], faults: 1, path: "/x-diff.jsonl" };
    s.control.finish({ outcome: "different", verdict: { ...verdict, isDifferent: true } });
    const last = (await answers).at(-1);
    await s.server.ended();
    expect(JSON.stringify(last)).not.toContain("hunter2");
    expect(last).toMatchObject({
      type: "result",
      result: { result: { outcome: "different", verdict: { isDifferent: true, file: "/x-diff.jsonl" } } },
    });
  });

  test.each(["is given up", "loses its connection"])("a switch-over that %s doesn't go on", async (how) => {
    await using s = await scene();
    const giveUp = new AbortController();
    const socket = await s.connect();
    const answers =
      how === "is given up" ? s.answers({ verb: "switchover", timeout: 5000 }, giveUp.signal) : undefined;
    if (answers === undefined) socket.write(encode({ verb: "switchover", timeout: 5000 }));
    await eventually(() => expect(s.control.switching).toBeDefined());
    giveUp.abort();
    if (answers === undefined) socket.destroy();
    await eventually(() => expect(s.control.switching).toBeUndefined());
    expect((await answers)?.at(-1)).toEqual(
      answers === undefined
        ? undefined
        : ({
            type: "result",
            result: { verb: "switchover", result: expect.objectContaining({ outcome: "aborted" }) },
          } as never),
    );
    socket.destroy();
  });
});

describe("what is no request", () => {
  test.each([
    ["no JSON", "hello\n", "it is no JSON"],
    ["no object", "5\n", "it is no JSON object"],
    ["another version", `{"nimo-shake":2,"verb":"status"}\n`, "isn't of version 1"],
    ["no version", `{"verb":"status"}\n`, "isn't of version 1"],
    ["an unknown verb", `{"nimo-shake":1,"verb":"stop"}\n`, "verb"],
    ["a verb with the wrong values", `{"nimo-shake":1,"verb":"set","values":[["a",1]]}\n`, "values.0.1"],
    ["a time that never ends", `{"nimo-shake":1,"verb":"switchover","timeout":1e300}\n`, "timeout"],
    ["garbage", new Uint8Array([0, 255, 254, 10]), "it is no JSON"],
    ["a line that is too long", "x".repeat(LONGEST_REQUEST + 1), "longer than 65536 bytes"],
    ["a line that never ends", "x".repeat(5 * LONGEST_REQUEST), "longer than 65536 bytes"],
  ])("%s is answered with an error", async (_, bytes, why) => {
    await using s = await scene();
    const said = await s.raw(bytes);
    expect(said).toContain(`"code":"CONTROL_FAILED"`);
    expect(said).toContain(why);
    expect(s.control.calls).toEqual([]);
    expect((await result(s, { verb: "status" })).verb).toBe("status");
  });

  test("is too old when a process that was stopped finds it", async () => {
    await using s = await scene();
    const line = (sentAt: number): string =>
      `${JSON.stringify({ "nimo-shake": 1, verb: "resume", sentAt })}\n`;
    expect(await s.raw(line(Date.now() - 11_000))).toContain("the request is too old");
    expect(s.control.calls).toEqual([]);
    expect(await s.raw(line(Date.now()))).toContain(`"result"`);
  });

  test("comes in pieces, and what follows a request is left alone", async () => {
    await using s = await scene();
    const line = encode({ verb: "resume" });
    const said = await s.raw(line.slice(0, 5), line.slice(5) + line + "garbage\n");
    expect(said.trim().split("\n")).toHaveLength(1);
    expect(s.control.calls).toEqual(["resume"]);
  });

  test("many connections that say nothing, or never read, keep nobody away for long", async () => {
    await using s = await scene();
    const idle = await Promise.all(Array.from({ length: 40 }, () => s.connect()));
    let closed = 0;
    for (const socket of idle) {
      socket.on("error", () => {});
      socket.on("close", () => closed++);
    }
    // What is too much is dropped, and the others have their time.
    await eventually(() => expect(closed).toBeGreaterThanOrEqual(24));
    for (const socket of idle) socket.destroy();
    await eventually(async () => expect((await result(s, { verb: "status" })).verb).toBe("status"));
  });
});

describe("who takes too long", () => {
  test("for his request, or for reading the answer, is cut off; who waits for a switch-over isn't", async () => {
    await using s = await scene("shop", undefined, 200);
    for (let n = 0; n < 5000; n++) {
      const name = `table-${n}-${"x".repeat(200)}`;
      s.progress.tables.set(name, fakeTable({ name }));
    }
    const connected = async (...lines: string[]) => {
      const socket = await s.connect();
      socket.on("error", () => {});
      const isClosed = new Promise<true>((closed) => void socket.on("close", () => closed(true)));
      for (const line of lines) socket.write(line);
      return { socket, isClosed };
    };
    const switching = await connected(encode({ verb: "switchover", timeout: 60_000 }));
    switching.socket.resume();
    const silent = await connected();
    const slow = await connected("{");
    const drips = setInterval(() => slow.socket.write(" "), 20);
    // More than a socket holds for who doesn't read.
    const deaf = await connected(encode({ verb: "status" }));
    deaf.socket.pause();
    for (const { socket } of [silent, slow]) socket.resume();
    expect(await Promise.all([silent.isClosed, slow.isClosed])).toEqual([true, true]);
    clearInterval(drips);
    await Bun.sleep(300);
    let heard = 0;
    deaf.socket.on("data", (piece: Buffer) => (heard += piece.length));
    deaf.socket.resume();
    await deaf.isClosed;
    expect(heard).toBeLessThan(1_500_000);
    expect(switching.socket.readyState).toBe("open");
    expect(s.control.switching).toBeDefined();
    switching.socket.destroy();
  });
});

describe("who asks", () => {
  test("a process that doesn't answer, or not as it should, hears so", async () => {
    await using s = await scene("other");
    const path = join(s.folder, "odd.sock");
    let answer: string | undefined;
    const odd = createServer((socket) => void (answer && socket.write(answer)));
    await new Promise<void>((done) => void odd.listen(path, done));
    const asked = async (): Promise<unknown> =>
      Array.fromAsync(ask(await connectTo(path), { verb: "status" }, { first: 50 })).catch(
        (error: unknown) => error,
      );
    expect(await asked()).toMatchObject({
      code: "CONTROL_FAILED",
      message: expect.stringContaining("doesn't answer"),
    });
    answer = "hello\n";
    expect(await asked()).toMatchObject({
      code: "CONTROL_FAILED",
      message: expect.stringContaining("no JSON"),
    });
    odd.close();
  });
});
