/** The pid file: one process of an id in a folder. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquirePidFile, findPidFile } from "../../bin/pid-file.ts";
import { MigrationError } from "../../core/errors.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const MODULE = join(import.meta.dir, "../../bin/pid-file.ts");

let folder: string;
let warnings: string[];
const log = { warn: (message: string) => void warnings.push(message) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-pid-"));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (): string => join(folder, "x.pid");
const acquire = (): (() => void) => acquirePidFile("x", { folder, log });

/** A process that has the file until its standard input ends. */
function holder(): Bun.Subprocess<"pipe", "pipe"> {
  const code = `
    const { acquirePidFile } = await import(${JSON.stringify(MODULE)});
    acquirePidFile("x", { folder: ${JSON.stringify(folder)}, log: console });
    console.log("has it");
    await Bun.stdin.text();
  `;
  return Bun.spawn([process.execPath, "-e", code], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
}

async function firstLine(child: Bun.Subprocess<"pipe", "pipe">): Promise<string> {
  const { value } = await child.stdout.getReader().read();
  return new TextDecoder().decode(value).trim();
}

describe("the pid file", () => {
  test("has NimoShake's form, and goes when it is released", () => {
    const release = acquire();
    expect(readFileSync(path(), "utf8")).toBe(`${process.pid}\n`);
    release();
    expect(readdirSync(folder)).toEqual([]);
    release();
  });

  test("is looked at without a change: whose it is, and whether that runs", () => {
    const look = () => findPidFile("x", folder);
    expect(look()).toBeUndefined();
    writeFileSync(path(), `${process.ppid}\n`);
    expect(look()).toMatchObject({ file: path(), pid: process.ppid, running: true });
    expect(look()!.refusal).toMatchObject({ code: "ALREADY_RUNNING" });
    // No process has an id as large as this.
    writeFileSync(path(), "2147483646\n");
    expect(look()).toEqual({ file: path(), pid: 2147483646, running: false });
    writeFileSync(path(), "garbage");
    expect(look()).toEqual({ file: path(), pid: null, running: false });
    expect(readdirSync(folder)).toEqual(["x.pid"]);
  });

  test("of a living process refuses a second one, and says which it is", async () => {
    const child = holder();
    try {
      expect(await firstLine(child)).toBe("has it");
      let error: unknown;
      try {
        acquire();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(MigrationError);
      const { code, exit, message, hint } = error as MigrationError;
      expect([code, exit]).toEqual(["ALREADY_RUNNING", 2]);
      expect(message).toContain(`as process ${child.pid}, which has ${path()}`);
      expect(hint).toContain(`kill ${child.pid}`);
    } finally {
      await child.stdin.end();
      await child.exited;
    }
    expect(existsSync(path())).toBe(false);
  });

  test("of a process killed with -9 is replaced", async () => {
    const child = holder();
    expect(await firstLine(child)).toBe("has it");
    child.kill("SIGKILL");
    await child.exited;
    expect(existsSync(path())).toBe(true);
    acquire()();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("whose process id has gone to a younger process is replaced", async () => {
    const child = holder();
    try {
      await firstLine(child);
      // as if the file had been left long before that process began
      const long = new Date(Date.now() - 86_400_000);
      utimesSync(path(), long, long);
      acquire()();
    } finally {
      await child.stdin.end();
      await child.exited;
    }
  });

  test.each(["", "no number\n", "-1\n", `${process.pid}\n`])("with the text %j is replaced", (text) => {
    writeFileSync(path(), text);
    const release = acquire();
    expect(readFileSync(path(), "utf8")).toBe(`${process.pid}\n`);
    release();
  });

  test("in a folder that isn't there is a warning, no failure", () => {
    acquirePidFile("x", { folder: join(folder, "none"), log })();
    expect(warnings).toEqual([expect.stringContaining("nothing keeps a second process")]);
  });

  test("that another process has made meanwhile stays", () => {
    const release = acquire();
    writeFileSync(path(), "1\n");
    release();
    expect(readFileSync(path(), "utf8")).toBe("1\n");
  });
});
