/** What is logged, where and in which form. */
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  jest,
  setDefaultTimeout,
  setSystemTime,
  test,
} from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, setLiveDisplay } from "../../../bin/log/log.ts";
import { MigrationError } from "../../../core/errors.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

let folder: string;
const { TERM } = process.env;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-log-"));
  setSystemTime(new Date("2026-11-23T21:00:00Z"));
  process.env["TERM"] = "xterm";
});

afterEach(() => {
  setSystemTime();
  if (TERM === undefined) delete process.env["TERM"];
  else process.env["TERM"] = TERM;
  setLiveDisplay(undefined);
  rmSync(folder, { recursive: true, force: true });
});

function fakeStream(isTTY: boolean) {
  let text = "";
  return {
    isTTY,
    columns: 80,
    write: (part: string, done?: () => void) => {
      text += part;
      done?.();
    },
    text: () => text,
  };
}

describe("a log file", () => {
  test("has NimoShake's lines, in folders made for it, after what is there already", async () => {
    const file = join(folder, "a/b/nimo.log");
    for (const word of ["one", "two"]) {
      const { log, close } = createLog({ level: "debug", file, buffer: false });
      log.debug(word, { n: 1 });
      log.info(word);
      log.warn(word);
      log.error(word);
      await close();
    }
    const lines = ["DEBG] one { n: 1 }", "INFO] one", "WARN] one", "EROR] one"];
    const both = [...lines, ...lines.map((line) => line.replace("one", "two"))];
    expect(readFileSync(file, "utf8")).toBe(
      both.map((line) => `[2026/11/23 21:00:00 UTC] [${line}\n`).join(""),
    );
  });

  test("keeps an entry recognisable when its text has several lines and colours", async () => {
    const file = join(folder, "nimo.log");
    const { log, close } = createLog({ level: "info", file, buffer: false });
    log.info("a\n[2000/01/01 00:00:00 UTC] [INFO] forged \u001B[31mred\u001B[39m");
    await close();
    expect(readFileSync(file, "utf8")).toBe(
      "[2026/11/23 21:00:00 UTC] [INFO] a\n    [2000/01/01 00:00:00 UTC] [INFO] forged red\n",
    );
  });

  test("loses no repeated line", async () => {
    const file = join(folder, "nimo.log");
    const { log, close } = createLog({ level: "info", file, buffer: true });
    for (let count = 0; count < 20; count++) log.info("same");
    await close();
    expect(readFileSync(file, "utf8").match(/same/g)).toHaveLength(20);
  });

  test("gets its lines at once without a buffer, each second with one, the rest at close", async () => {
    const [direct, buffered] = [join(folder, "direct"), join(folder, "buffered")];
    jest.useFakeTimers();
    try {
      const first = createLog({ level: "info", file: direct, buffer: false });
      const second = createLog({ level: "info", file: buffered, buffer: true });
      first.log.info("x");
      second.log.info("x");
      expect(readFileSync(direct, "utf8")).toContain("x");
      expect(readFileSync(buffered, "utf8")).toBe("");
      jest.advanceTimersByTime(1000);
      expect(readFileSync(buffered, "utf8")).toContain("x");
      second.log.info("last");
      expect(readFileSync(buffered, "utf8")).not.toContain("last");
      await first.close();
      await second.close();
      await second.close();
      expect(readFileSync(buffered, "utf8")).toContain("last");
    } finally {
      jest.useRealTimers();
    }
  });

  test("has its buffered lines when the process exits without a close", () => {
    const file = join(folder, "nimo.log");
    const source = `
      const { createLog } = await import(${JSON.stringify(join(import.meta.dir, "../../../bin/log/log.ts"))});
      createLog({ level: "info", file: ${JSON.stringify(file)}, buffer: true }).log.info("last words");
      process.exit(3);`;
    const { exitCode } = Bun.spawnSync([process.execPath, "-e", source]);
    expect(exitCode).toBe(3);
    expect(readFileSync(file, "utf8")).toContain("last words");
  });

  test("that can't be written is refused with key, reason and hint", () => {
    mkdirSync(join(folder, "taken"));
    try {
      createLog({ level: "info", file: join(folder, "taken"), buffer: true });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(MigrationError);
      const { code, message, hint } = error as MigrationError;
      expect(code).toBe("CONFIG_INVALID");
      expect(message).toMatch(/^log\.file: .*taken can't be opened for writing: EISDIR$/);
      expect(hint).toContain("log.file");
    }
  });
});

describe("levels", () => {
  const cases = [
    ["none", ""],
    ["error", "EROR"],
    ["warn", "WARN EROR"],
    ["info", "INFO WARN EROR"],
    ["debug", "DEBG INFO WARN EROR"],
  ] as const;
  test.each(cases)("%s lets pass: %s", (level, expected) => {
    const stream = fakeStream(false);
    const { log } = createLog({ level, buffer: true, stream });
    log.debug("x");
    log.info("x");
    log.warn("x");
    log.error("x");
    expect([...stream.text().matchAll(/\[([A-Z]{4})\]/g)].map(([, name]) => name).join(" ")).toBe(expected);
  });
});

describe("standard output", () => {
  test("off a terminal gets plain lines with time and tag", async () => {
    const stream = fakeStream(false);
    const { log, close } = createLog({ level: "info", buffer: true, stream });
    log.withTag("filter").info("hello");
    await close();
    expect(stream.text()).toBe("[2026/11/23 21:00:00 UTC] [INFO] [filter] hello\n");
  });

  test("on a terminal has consola's look", () => {
    const stream = fakeStream(true);
    createLog({ level: "info", buffer: true, stream }).log.info("hello");
    expect(stream.text()).toContain("hello");
    expect(stream.text()).not.toContain("[2026/11/23 21:00:00 UTC] [INFO]");
  });

  test("on a dumb terminal gets plain lines", () => {
    process.env["TERM"] = "dumb";
    const stream = fakeStream(true);
    createLog({ level: "info", buffer: true, stream }).log.info("hello");
    expect(stream.text()).toBe("[2026/11/23 21:00:00 UTC] [INFO] hello\n");
  });

  test.each([true, false])("shows an error's stack at debug level only (terminal: %p)", (isTTY) => {
    const stream = fakeStream(isTTY);
    createLog({ level: "info", buffer: true, stream }).log.error(new TypeError("boom"));
    expect(stream.text()).toContain("TypeError: boom");
    expect(stream.text()).not.toContain("log.test.ts");
    createLog({ level: "debug", buffer: true, stream }).log.error(new TypeError("boom"));
    expect(stream.text()).toContain("log.test.ts");
  });

  test("leaves the writing to a live display on a terminal, and only there", () => {
    const above: string[] = [];
    setLiveDisplay((text) => above.push(text));
    const [terminal, pipe] = [fakeStream(true), fakeStream(false)];
    createLog({ level: "info", buffer: true, stream: terminal }).log.info("to the terminal");
    createLog({ level: "info", buffer: true, stream: pipe }).log.info("to the pipe");
    expect(terminal.text()).toBe("");
    expect(above.join("")).toContain("to the terminal");
    expect(pipe.text()).toContain("to the pipe");
  });
});
