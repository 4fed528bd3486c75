/** The checkpoint in files: its contract, its folder, and what is torn or somebody else's. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { thisProcess } from "../../../core/host/process.ts";
import file from "../../../plugins/checkpoint/file.ts";
import { checkpointContract } from "../../contracts/index.ts";
import { testTable } from "../../fakes/context.ts";
import { expectFailure, openCheckpoint, type Opened } from "./open.ts";

setDefaultTimeout(180_000);

const CHILD = resolve(import.meta.dir, "file/saving-child.ts");
const HOLDING_CHILD = resolve(import.meta.dir, "file/holding-child.ts");

/** A folder of its own; NimoShake's would be `states` in it. */
function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-checkpoint-"));
  const address = join(folder, "states");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  return {
    folder,
    address,
    /** Our own, for the id `app`. */
    own: join(folder, "states-state", "app"),
    settings: { "checkpoint.type": "file", "checkpoint.address": address },
    [Symbol.dispose]: remove,
    [Symbol.asyncDispose]: async () => remove(),
  };
}

describe("the contract", () => {
  const makePlace = async () => ({ ...temporaryFolder(), words: /^folder .*states/ });
  for (const { name, run } of checkpointContract({ plugin: file, makePlace })) test(name, run);
});

const open = (settings: Record<string, string>): Promise<Opened> => openCheckpoint(file, settings);

/** Takes the lease and gives it back. */
async function haveLease({ checkpoint: { lease } }: Opened): Promise<void> {
  const holder = { ...thisProcess(), token: "app", since: new Date().toISOString() };
  expect((await lease!.claim(holder, { ttl: 60_000 })).holder.token).toBe("app");
  await lease!.release(holder);
}

/** The path of the one file in a folder. */
function onlyFile(folder: string): string {
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0]!);
}

describe("the folder", () => {
  const before = process.cwd();
  afterEach(() => process.chdir(before));

  test.each<[string, Record<string, string>, string[], expected: string]>([
    ["beside an address", { "checkpoint.address": "./a/b" }, [], "a/b-state"],
    ["beside an address that ends in a slash", { "checkpoint.address": "a/" }, ["states"], "a-state"],
    ["beside an existing ./<checkpoint.db>", { "checkpoint.db": "states" }, ["states"], "states-state"],
    ["else beside ./checkpoint, run from source", { "checkpoint.db": "states" }, [], "checkpoint-state"],
  ])("is %s", async (_, settings, folders, expected) => {
    using place = temporaryFolder();
    process.chdir(place.folder);
    for (const each of folders) mkdirSync(each);
    await using opened = await open({ "checkpoint.type": "file", ...settings });
    await opened.checkpoint.save("run", new Map([["run", 1]]));
    const own = resolve(expected, "app");
    expect(opened.checkpoint.place).toBe(`folder ${own}`);
    expect(readdirSync(own)).toHaveLength(1);
    expect(readdirSync(".").sort()).toEqual([...folders, expected.split("/")[0]!].sort());
    for (const each of folders) expect(readdirSync(each)).toEqual([]);
  });

  test("isn't made by a load", async () => {
    using place = temporaryFolder();
    await using opened = await open(place.settings);
    await opened.checkpoint.load("run");
    await opened.checkpoint.clear("run");
    expect(readdirSync(place.folder)).toEqual([]);
  });

  test("and what is in it are for who runs the tool only", async () => {
    using place = temporaryFolder();
    await using opened = await open(place.settings);
    await opened.checkpoint.save("run", new Map([["run", 1]]));
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect([mode(join(place.own, "..")), mode(place.own), mode(onlyFile(place.own))]).toEqual([
      "700",
      "700",
      "600",
    ]);
  });
});

describe("a file", () => {
  test("says what it is and can be read by a person", async () => {
    using place = temporaryFolder();
    await using opened = await open(place.settings);
    await opened.checkpoint.save("table:Orders/é", new Map([["0", { position: null }]]));
    const path = onlyFile(place.own);
    expect(path).toMatch(/\/table_Orders__\.[0-9a-f]{8}\.jsonl$/);
    expect(readFileSync(path, "utf8")).toBe(
      '{"nimo-shake":1,"id":"app","name":"table:Orders/é","crc32":"2af1f2f2"}\n{"part":"0","state":{"position":null}}\n',
    );
  });

  test("has another name for a name that differs by case only", async () => {
    using place = temporaryFolder();
    await using opened = await open(place.settings);
    for (const name of ["t", "T"]) await opened.checkpoint.save(name, new Map([["0", 1]]));
    expect(new Set(readdirSync(place.own).map((name) => name.toLowerCase())).size).toBe(2);
  });

  test("can be mended by hand", async () => {
    using place = temporaryFolder();
    mkdirSync(place.own, { recursive: true });
    await (await open(place.settings)).checkpoint.save("t", new Map([["0", 1]]));
    writeFileSync(
      onlyFile(place.own),
      ' {"name":"t", "id":"app", "nimo-shake": 1}\r\n{ "state": 2, "part": "0" }\r\n\r\n',
    );
    await using opened = await open(place.settings);
    expect([...(await opened.checkpoint.load("t"))]).toEqual([["0", 2]]);
  });

  const HEAD = '{"nimo-shake":1,"id":"app","name":"t"}\n';
  test.each([
    ["is empty", "", "line 1"],
    ["is no text", "\0\0\0\0", "line 1"],
    ["is of another version", HEAD.replace("1", "2"), "version 1"],
    ["has no first line", '{"part":"0","state":1}\n', "version 1"],
    ["is of another name", HEAD.replace('"t"', '"T"'), "name T, not t"],
    ["is of another migration", HEAD.replace('"app"', '"App"'), "id App, not app"],
    ["is cut off", `${HEAD}{"part":"0","state":{"a":`, "line 2"],
    ["lacks a part's state", `${HEAD}{"part":"0","state":1}\n{"part":"1"}\n`, "line 3"],
    ["has a part of another type", `${HEAD}{"part":1,"state":1}\n`, "line 2"],
    ["has a line that is no object", `${HEAD}null\n`, "line 2"],
  ])("that %s is refused, named, and not overwritten", async (_, text, says) => {
    using place = temporaryFolder();
    await (await open(place.settings)).checkpoint.save("t", new Map([["0", 1]]));
    const path = onlyFile(place.own);
    writeFileSync(path, text);
    await using opened = await open(place.settings);
    const refusal = ["CHECKPOINT_MISMATCH", path, says, "--fresh"] as const;
    await expectFailure(opened.checkpoint.load("t"), ...refusal);
    await expectFailure(opened.checkpoint.save("t", new Map([["1", 1]])), ...refusal);
    expect(readFileSync(path, "utf8")).toBe(text);
    await opened.checkpoint.clear("t");
    expect((await opened.checkpoint.load("t")).size).toBe(0);
  });

  test("that is half-written is no file; it may be somebody's until the lease is had, then it goes", async () => {
    using place = temporaryFolder();
    await (await open(place.settings)).checkpoint.save("t", new Map([["0", 1]]));
    const draft = `${onlyFile(place.own)}.new`;
    writeFileSync(draft, HEAD.slice(0, 9));
    await using opened = await open(place.settings);
    expect([...(await opened.checkpoint.load("t"))]).toEqual([["0", 1]]);
    expect(existsSync(draft)).toBe(true);
    await haveLease(opened);
    expect([...(await opened.checkpoint.load("t"))]).toEqual([["0", 1]]);
    onlyFile(place.own);
  });
});

describe("NimoShake's folder", () => {
  const status = new Map([["status", "incr_sync"]]);

  test("is of the first migration that keeps positions there; another one is refused, with both names", async () => {
    using place = temporaryFolder();
    await using one = await open(place.settings);
    await using other = await openCheckpoint(file, place.settings, { id: "other" });
    await other.checkpoint.save("run", new Map([["run", 1]]));
    expect((await other.checkpoint.load("status")).size).toBe(0);
    await one.checkpoint.save("status", status);
    await using later = await openCheckpoint(file, place.settings, { id: "other" });
    for (const { checkpoint } of [other, later]) {
      const refusal = ["CHECKPOINT_MISMATCH", "migration app", "this one is other", "owner.json"] as const;
      await expectFailure(checkpoint.load("status"), ...refusal);
      await expectFailure(checkpoint.load("shards:t"), ...refusal);
      await expectFailure(checkpoint.save("shards:t", new Map([["s", { ShardId: "s" }]])), ...refusal);
      await expectFailure(checkpoint.clear("status"), ...refusal);
    }
    await using again = await open(place.settings);
    expect([...(await again.checkpoint.load("status"))]).toEqual([...status]);
    expect(readdirSync(place.address)).toEqual(["status_table"]);
  });

  test("that two migrations begin at once is one's", async () => {
    using place = temporaryFolder();
    const opened = await Promise.all(
      ["a", "b", "c"].map((id) => openCheckpoint(file, place.settings, { id })),
    );
    const ends = await Promise.allSettled(
      opened.map(({ checkpoint }) => checkpoint.save("status", new Map(status))),
    );
    expect(ends.filter((end) => end.status === "fulfilled")).toHaveLength(1);
    await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()));
  });

  test("that an older version has begun is the migration's that has noted streams", async () => {
    using place = temporaryFolder();
    await using one = await open(place.settings);
    await using other = await openCheckpoint(file, place.settings, { id: "other" });
    await one.checkpoint.save("stream:t", new Map([["stream", { stream: "arn" }]]));
    await one.checkpoint.save("status", status);
    rmSync(join(`${place.address}-state`, "owner.json"));
    await expectFailure(other.checkpoint.load("status"), "CHECKPOINT_MISMATCH", "migration app");
    await using again = await open(place.settings);
    expect([...(await again.checkpoint.load("status"))]).toEqual([...status]);
  });

  test.each(["", '{"id":"oth', '{"id":"other\0\0\0', "\0\0"])(
    "that was being claimed when the process was killed, or the power went, is nobody's: %j",
    async (left) => {
      using place = temporaryFolder();
      mkdirSync(`${place.address}-state`);
      writeFileSync(join(`${place.address}-state`, "owner.json"), left);
      await using opened = await open(place.settings);
      await opened.checkpoint.save("status", status);
      await using other = await openCheckpoint(file, place.settings, { id: "other" });
      await expectFailure(other.checkpoint.load("status"), "CHECKPOINT_MISMATCH", "migration app");
    },
  );

  test.each<[string, string[], names: string[]]>([
    ["goes with the last positions", [], ["shards:t", "status", "stream:t"]],
    ["stays where others' positions are", ["orders"], ["shards:t", "stream:t"]],
  ])("has a status that %s", async (_, others, names) => {
    using place = temporaryFolder();
    await using opened = await open(place.settings);
    const { checkpoint } = opened;
    await checkpoint.save("status", status);
    await checkpoint.save("shards:t", new Map([["s", { ShardId: "s" }]]));
    await checkpoint.save("stream:t", new Map([["stream", { stream: "arn" }]]));
    for (const name of others) writeFileSync(join(place.address, name), "");
    const left = await checkpoint.left!();
    expect(left.names.sort()).toEqual(names);
    expect(left.shared).toBe(others.length > 0 ? join(place.address, "status_table") : undefined);
    for (const name of left.names) await checkpoint.clear(name);
    await checkpoint.vacate!();
    expect(existsSync(place.address)).toBe(others.length > 0);
  });

  test("keeps a table whose name is as long as the service allows", async () => {
    using place = temporaryFolder();
    await using opened = await open(place.settings);
    const name = `shards:${"x".repeat(255)}`;
    await opened.checkpoint.save(name, new Map([["s", { ShardId: "s" }]]));
    expect([...(await opened.checkpoint.load(name))]).toEqual([["s", { ShardId: "s" }]]);
  });

  test.each<[string, string[], string[] | undefined]>([
    ["a table of the status's name", ["t", "status_table"], ["status_table"]],
    ["names that differ by case, on a disk that ignores it", ["Orders", "orders"], ["Orders and orders"]],
    ["the status's name in other case, on such a disk", ["Status_Table"], ["status_table and Status_Table"]],
    ["other names", ["Orders", "orders2"], undefined],
  ])("%s", async (_, names, says) => {
    using place = temporaryFolder();
    // such a disk, as far as can be seen: the folder is there under both names
    mkdirSync(place.address);
    symlinkSync(place.address, join(place.folder, "STATES"));
    await using opened = await open({ ...place.settings, sync_mode: "all" });
    const tables = names.map((name) => testTable("pk", undefined, { name, targetName: name }));
    const checked = opened.checkpoint.check!(tables, opened.ctx.signal);
    if (says === undefined) await checked;
    else await expectFailure(checked, "TABLE_UNFIT", ...says);
    rmSync(join(place.folder, "STATES"));
    if (!names.includes("status_table")) await opened.checkpoint.check!(tables, opened.ctx.signal);
  });
});

describe("what can't be written", () => {
  // a file in the folder's place: permissions don't hold back root
  test("is an error that names the file; the next save is a new try", async () => {
    using place = temporaryFolder();
    writeFileSync(`${place.address}-state`, "");
    await using opened = await open(place.settings);
    const { checkpoint } = opened;
    const states = new Map([["0", 1]]);
    const saving = [1, 2, 3].map(() => checkpoint.save("t", states));
    await Promise.allSettled(saving);
    for (const each of saving) {
      await expectFailure(each, "CHECKPOINT_FAILED", place.own, "checkpoint.address");
    }
    rmSync(`${place.address}-state`);
    await checkpoint.save("t", states);
    expect([...(await checkpoint.load("t"))]).toEqual([["0", 1]]);
  });

  test.skipIf(!existsSync("/dev/full"))(
    "for want of room is such an error, and the old states stay",
    async () => {
      using place = temporaryFolder();
      await using opened = await open(place.settings);
      await opened.checkpoint.save("t", new Map([["0", 1]]));
      const path = onlyFile(place.own);
      symlinkSync("/dev/full", `${path}.new`);
      const saving = opened.checkpoint.save("t", new Map([["0", 2]]));
      await expectFailure(saving, "CHECKPOINT_FAILED", "ENOSPC", path, "has room");
      expect([...(await opened.checkpoint.load("t"))]).toEqual([["0", 1]]);
      await using next = await open(place.settings);
      expect([...(await next.checkpoint.load("t"))]).toEqual([["0", 1]]);
    },
  );
});

test("kill -9 while it saves, ten times: the file is whole and has at least what was acknowledged", async () => {
  using place = temporaryFolder();
  let total = 0;
  for (let kill = 0; kill < 10; kill++) {
    const child = Bun.spawn([process.execPath, CHILD, place.address], { stdout: "pipe", stderr: "inherit" });
    let printed = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of child.stdout) printed += decoder.decode(bytes, { stream: true });
    })();
    try {
      while (!printed.includes("\n") && child.exitCode === null) await Bun.sleep(1);
      await Bun.sleep(Math.random() * 100);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    await reading;
    const acknowledged = Number(printed.slice(0, printed.lastIndexOf("\n")).split("\n").at(-1));
    await using opened = await open(place.settings);
    const found = await opened.checkpoint.load("t");
    const values = new Set(found.values() as Iterable<number>);
    expect([found.size, values.size]).toEqual([50, 1]);
    const [value] = values;
    // a save whose acknowledgement wasn't printed any more may be there
    expect([acknowledged, acknowledged + 1]).toContain(value!);
    expect(acknowledged).toBeGreaterThan(total);
    total = acknowledged;
    await haveLease(opened);
    onlyFile(place.own);
  }
});

test.skipIf(process.platform === "win32").each(["t", "shards:t"])(
  "%s: a process that is paused while it saves, and replaced, doesn't save that any more",
  async (name) => {
    using place = temporaryFolder();
    const child = Bun.spawn([process.execPath, HOLDING_CHILD, place.address, name], {
      stdout: "pipe",
      stderr: "inherit",
    });
    try {
      const isSaving = (): boolean => drafts(place.own).length > 0;
      for (;;) {
        while (!isSaving() && child.exitCode === null) await new Promise(setImmediate);
        child.kill("SIGSTOP");
        await stopped(child.pid);
        if (isSaving() || child.exitCode !== null) break;
        child.kill("SIGCONT");
      }
      await using next = await open(place.settings);
      const holder = { ...thisProcess(), token: "next", since: new Date().toISOString() };
      const claim = next.checkpoint.lease!.claim(holder, { ttl: 60_000, over: "child" });
      expect((await claim).holder.token).toBe("next");
      const before = saved(place.folder);
      child.kill("SIGCONT");
      expect(await new Response(child.stdout).text()).toBe("ALREADY_RUNNING");
      expect(saved(place.folder)).toEqual(before);
      await next.checkpoint.save(name, new Map([["s", { ShardId: "s" }]]));
      await next.checkpoint.lease!.release(holder);
      expect(readdirSync(place.own).filter((each) => !each.endsWith(".jsonl"))).toEqual([]);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  },
);

/** The files of what is saved, and when they were written. */
function saved(folder: string): [name: string, at: number][] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /(jsonl|\/t)$/.test(name))
    .map((name) => [name, statSync(join(folder, name)).mtimeMs]);
}

/** What isn't saved yet, wherever it is written. */
function drafts(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".new"));
  } catch {
    return [];
  }
}

/** Resolves when the system has stopped a process. */
async function stopped(pid: number): Promise<void> {
  const state = (): string => execFileSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" });
  while (!/^[TZ]/.test(state())) await Bun.sleep(1);
}

test("8192 parts ten times a second are no burden", async () => {
  using place = temporaryFolder();
  await using opened = await open(place.settings);
  const { checkpoint } = opened;
  const state = (n: number): object => ({
    position: { pk: { S: "x".repeat(80) } },
    read: n,
    filtered: 0,
    bytes: 1,
  });
  await checkpoint.save("t", new Map(Array.from({ length: 8192 }, (_, n) => [String(n), state(n)])));
  const saves = 20;
  const started = performance.now();
  const cpu = process.cpuUsage();
  for (let i = 0; i < saves; i++) {
    await checkpoint.save("t", new Map(Array.from({ length: 100 }, (_, n) => [String(n * 80), state(i)])));
  }
  const { user, system } = process.cpuUsage(cpu);
  const ms = (user + system) / 1000 / saves;
  if (process.env["NIMO_TEST_FIGURES"])
    console.log(`${(performance.now() - started) / saves} ms, CPU ${ms} ms a save`);
  expect(ms).toBeLessThan(100);
});
