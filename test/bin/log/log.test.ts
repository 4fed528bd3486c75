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

  test("on a terminal has the same lines, the levels in colours unless NO_COLOR is set", () => {
    const colours = process.env["NO_COLOR"];
    try {
      for (const [value, label] of [
        ["", "\u001B[33mWARN\u001B[39m"],
        ["1", "WARN"],
      ] as const) {
        process.env["NO_COLOR"] = value;
        const stream = fakeStream(true);
        createLog({ level: "info", buffer: true, stream }).log.warn("hello");
        expect(stream.text()).toBe(`[2026/11/23 21:00:00 UTC] [${label}] hello\n`);
      }
    } finally {
      if (colours === undefined) delete process.env["NO_COLOR"];
      else process.env["NO_COLOR"] = colours;
    }
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

test("a tag is a part of its line, without secrets", () => {
  const stream = fakeStream(false);
  const redact = (text: string): string => text.replaceAll("SECRET", "***");
  const { log } = createLog({ level: "info", buffer: true, stream, redact });
  log.withTag("x\n[2000/01/01 00:00:00 UTC] [EROR] forged SECRET\u001B[2J").info("m");
  expect(stream.text()).toBe(
    "[2026/11/23 21:00:00 UTC] [INFO] [x; [2000/01/01 00:00:00 UTC] [EROR] forged ***\\x1b[2J] m\n",
  );
});

describe("last words", () => {
  const words = { text: "| a |\n| b |", objects: [{ message: "one", table: "a" }, { message: "two" }] };
  const failure = new MigrationError("TARGET_FAILED", "no:\nreally", {
    hint: "ask",
    cause: new Error("below"),
  });

  test("go to the terminal as they stand, and into the log file as entries, whatever the level is", async () => {
    const file = join(folder, "nimo.log");
    const [stream, errors] = [fakeStream(false), fakeStream(false)];
    const { say, fail, close } = createLog({ level: "none", file, buffer: true, stream, errors });
    say(words);
    expect(fail(failure)).toBe(1);
    await close();
    expect(stream.text()).toBe("| a |\n| b |\n");
    expect(errors.text()).toBe("error [TARGET_FAILED] no: really\nhint: ask\n");
    expect(readFileSync(file, "utf8")).toBe(
      ["[INFO] | a |\n    | b |", "[EROR] error [TARGET_FAILED] no: really", "[EROR] hint: ask", ""]
        .join("\n")
        .replaceAll(/^\[/gm, "[2026/11/23 21:00:00 UTC] ["),
    );
  });

  test("have the stack in the log file too, at debug level", async () => {
    const file = join(folder, "nimo.log");
    const { fail, close } = createLog({ level: "debug", file, buffer: true, errors: fakeStream(false) });
    fail(failure);
    await close();
    expect(readFileSync(file, "utf8")).toMatch(/caused by Error: below\n {8}at .*log\.test\.ts/);
  });
});

describe("log.format = json", () => {
  const objects = (text: string): unknown[] =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  const time = "2026-11-23T21:00:00.000Z";

  function jsonLog(level: "info" | "debug" = "info", redact?: (text: string) => string) {
    const [stream, errors] = [fakeStream(false), fakeStream(false)];
    const tables = new Set(["orders", "list"]);
    const made = createLog({
      level,
      format: "json",
      buffer: true,
      tables,
      stream,
      errors,
      ...(redact && { redact }),
    });
    return { ...made, shown: () => objects(stream.text()), errors: () => objects(errors.text()) };
  }

  test("every line is an object, with what was logged beside the message or is named in it", () => {
    const { log, shown } = jsonLog();
    log.info({ message: "copied", table: "a\u001B[1mb", items: 3, big: 10n, time: "never" });
    log.withTag("mine").warn("start syncing table orders, shard shardId-00-1:\n%s", "x\u0007");
    log.info("table other is none of this run");
    expect(shown()).toEqual([
      { time, level: "info", message: "copied", table: "ab", items: 3, big: "10" },
      {
        time,
        level: "warn",
        message: "start syncing table orders, shard shardId-00-1:\nx\\x07",
        tag: "mine",
        table: "orders",
        shard: "shardId-00-1",
      },
      { time, level: "info", message: "table other is none of this run" },
    ]);
  });

  test("an error has its code and hint, and its stack at debug level only", () => {
    const error = new MigrationError("DATA_UNFIT", "bad", { hint: "mend it" });
    for (const level of ["info", "debug"] as const) {
      const { log, shown } = jsonLog(level);
      log.error(error);
      const stack = { stack: expect.stringContaining("log.test.ts") };
      expect(shown()).toEqual([
        {
          time,
          level: "error",
          message: "bad",
          code: "DATA_UNFIT",
          hint: "mend it",
          ...(level === "debug" && stack),
        },
      ]);
    }
  });

  test("secrets with quotes are hidden, and what goes round in circles is left out", () => {
    const { log, shown } = jsonLog("info", (text) => text.replaceAll('pa"ss', "***"));
    log.info({ message: 'pa"ss', in: { it: ['pa"ss'] } });
    const circle: Record<string, unknown> = { message: "round" };
    circle["self"] = circle;
    log.info(circle);
    expect(shown()).toEqual([
      { time, level: "info", message: "***", in: { it: ["***"] } },
      { time, level: "info", message: "round" },
    ]);
  });

  test("no name, tag or toJSON of what is logged says a secret, or makes something else of the line", () => {
    const { log, shown } = jsonLog("info", (text) => text.replaceAll("SECRET", "***"));
    log
      .withTag("of SECRET")
      .info({ message: "m", "SECRET\u0007": 1, in: [{ SECRET: { it: 2 } }], toJSON: () => 5 });
    expect(shown()).toEqual([
      { time, level: "info", message: "m", tag: "of ***", "***\\x07": 1, in: [{ "***": { it: 2 } }] },
    ]);
  });

  test("last words are objects too", () => {
    const { say, fail, shown, errors } = jsonLog();
    say({ text: "table", objects: [{ message: "one", table: "a" }, { message: "two" }] });
    say({ text: "three" });
    fail(new MigrationError("SOURCE_GONE", "gone"));
    expect(shown()).toEqual([
      { time, level: "info", message: "one", table: "a" },
      { time, level: "info", message: "two" },
      { time, level: "info", message: "three" },
    ]);
    expect(errors()).toEqual([{ time, level: "error", message: "gone", code: "SOURCE_GONE" }]);
  });
});
