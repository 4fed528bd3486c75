import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquirePidFile } from "../../bin/pid-file.ts";
import { MigrationError } from "../../core/errors.ts";

setDefaultTimeout(60_000);

const SECOND = 1000;
const ID = "nimo-shake";
const PID_FILE = JSON.stringify(join(import.meta.dir, "../../bin/pid-file.ts"));

let folder: string;
let file: string;
let warnings: string[];
let children: Bun.Subprocess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-pid-"));
  file = join(folder, `${ID}.pid`);
  warnings = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const child of children) await child.exited;
  rmSync(folder, { recursive: true, force: true });
});

const log = { warn: (message: string) => void warnings.push(message) };
const acquire = (id = ID, place = folder): (() => void) => acquirePidFile(id, { folder: place, log });

function refused(): MigrationError {
  try {
    acquire()();
  } catch (error) {
    if (error instanceof MigrationError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

/** A process that lives until the test's end. */
function living(): Bun.Subprocess {
  const child = Bun.spawn(["sleep", "60"]);
  children.push(child);
  return child;
}

async function deadPid(): Promise<number> {
  const child = Bun.spawn(["true"]);
  await child.exited;
  return child.pid;
}

/** Leaves a pid file as if it had been written so many ms ago. */
function leave(text: string, age = 0): void {
  writeFileSync(file, text);
  const time = new Date(Date.now() - age);
  utimesSync(file, time, time);
}

describe("a pid file", () => {
  test("holds the process id and a line break, is its owner's alone, and goes at the end", () => {
    const release = acquire();
    expect(readFileSync(file, "utf8")).toBe(`${process.pid}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual([`${ID}.pid`]);
    release();
    release();
    expect(readdirSync(folder)).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test.each(["a", "ünï-cödé", "semi;colon&(x)", "-rf", "%41", "#1"])("can belong to id %s", (id) => {
    const release = acquire(id);
    expect(readdirSync(folder)).toEqual([`${id}.pid`]);
    release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("leaves no listener behind", () => {
    const before = process.listenerCount("exit");
    acquire()();
    expect(process.listenerCount("exit")).toBe(before);
  });

  test.each(["process.exit(0)", "throw new Error('boom')", ""])(
    "is gone after a process that ends with: %s",
    (end) => {
      const source = `
      const { acquirePidFile } = await import(${PID_FILE});
      acquirePidFile(${JSON.stringify(ID)}, { folder: ${JSON.stringify(folder)}, log: console });
      ${end}`;
      Bun.spawnSync([process.execPath, "-e", source], { stderr: "ignore" });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test("that was deleted and made by another process is left to it", () => {
    const release = acquire();
    rmSync(file);
    leave("4711\n");
    release();
    expect(readFileSync(file, "utf8")).toBe("4711\n");
  });
});

describe("a second process of the same id", () => {
  test("is refused with process, file and what to do", () => {
    const { pid } = living();
    leave(`${pid}\n`);
    const error = refused();
    expect(error.code).toBe("ALREADY_RUNNING");
    expect(error.exit).toBe(2);
    expect(error.message).toBe(`id = ${ID} is running already as process ${pid}, which has ${file}`);
    expect(error.hint).toBe(
      `wait for it, stop it with kill ${pid}, or give this one another id or folder; if process ${pid} is something else, delete that file`,
    );
    expect(readFileSync(file, "utf8")).toBe(`${pid}\n`);
    expect(readdirSync(folder)).toEqual([`${ID}.pid`]);
  });

  test("is refused by another user's process too", () => {
    // Process 1 is the machine's own; a test run by root may signal it, one by anybody else may not.
    if (process.pid === 1) return;
    leave("1\n");
    expect(refused().message).toContain("as process 1,");
  });

  test("with another id, or in another folder, goes on", () => {
    leave(`${living().pid}\n`);
    acquire("other")();
    const place = mkdtempSync(join(tmpdir(), "nimo-pid-"));
    acquire(ID, place)();
    rmSync(place, { recursive: true });
  });
});

describe("a stale file is replaced", () => {
  const replaced = (): void => {
    const release = acquire();
    expect(readFileSync(file, "utf8")).toBe(`${process.pid}\n`);
    expect(readdirSync(folder)).toEqual([`${ID}.pid`]);
    release();
    expect(warnings).toEqual([]);
  };

  test("of a process that is dead", async () => {
    leave(`${await deadPid()}\n`);
    replaced();
  });

  test("of an earlier run with our process id, as in a container", () => {
    leave(`${process.pid}\n`, 60 * SECOND);
    replaced();
  });

  test.skipIf(process.platform !== "linux")("whose process id is another process's by now", () => {
    leave(`${living().pid}\n`, 10 * 60 * SECOND);
    replaced();
  });

  test.skipIf(process.platform !== "linux")("whose process has ended and was not waited for", async () => {
    // The shell's child becomes a zombie of the sleep that takes the shell's place.
    const parent = Bun.spawn(["sh", "-c", "true & echo $!; exec sleep 60"], { stdout: "pipe" });
    children.push(parent);
    const { value } = await parent.stdout.getReader().read();
    const pid = Number(new TextDecoder().decode(value));
    for (const end = Date.now() + 10 * SECOND; stateOf(pid) !== "Z" && Date.now() < end;) await Bun.sleep(20);
    expect(stateOf(pid)).toBe("Z");
    leave(`${pid}\n`);
    replaced();
  });

  test.each(["", "\n", "abc\n", "-1\n", "0\n", "1.5\n", "99999999999999999999\n"])(
    "with the text %j",
    (text) => {
      leave(text);
      replaced();
    },
  );
});

function stateOf(pid: number): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
}

describe("of processes started at the same instant", () => {
  test.each([["no file", undefined] as const, ["a stale file", "999999999\n"] as const])(
    "with %s exactly one goes on",
    async (_, left) => {
      const source = `
      const { acquirePidFile } = await import(${PID_FILE});
      const start = Number(process.argv.at(-1));
      while (Date.now() < start);
      try {
        acquirePidFile(${JSON.stringify(ID)}, { folder: ${JSON.stringify(folder)}, log: console });
        console.log("mine");
        setTimeout(() => {}, 2000);
      } catch (error) {
        console.log(error.code);
      }`;
      if (left) leave(left);
      const start = String(Date.now() + 1500);
      const racers = Array.from({ length: 2 }, () =>
        Bun.spawn([process.execPath, "-e", source, start], { stdout: "pipe" }),
      );
      children.push(...racers);
      const words = await Promise.all(racers.map(({ stdout }) => new Response(stdout).text()));
      expect(words.map((word) => word.trim()).toSorted()).toEqual(["ALREADY_RUNNING", "mine"]);
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});

describe("a folder that can't be written", () => {
  test("is a warning, and the run goes on", () => {
    const missing = join(folder, "missing");
    acquire(ID, missing)();
    expect(warnings).toEqual([
      `${join(missing, `${ID}.pid`)} can't be written, nothing keeps a second process of this id away: ENOENT`,
    ]);
    expect(existsSync(missing)).toBe(false);
  });

  // Root writes to a folder whatever its mode is; /proc takes no file from anybody.
  test.skipIf(process.platform !== "linux")("whoever runs it", () => {
    acquire(ID, "/proc")();
    expect(warnings).toEqual([expect.stringContaining(`/proc/${ID}.pid can't be written, nothing keeps`)]);
  });
});
