import { afterEach, beforeEach, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type FileSinkOptions, fileSink, type Sink } from "../../bin/log-file.ts";

setDefaultTimeout(60_000);

/** Longer than the time between two looks at the file's name. */
const LOOK = 600;
const LOG_FILE = JSON.stringify(join(import.meta.dir, "../../bin/log-file.ts"));

let folder: string;
let file: string;
let sinks: Sink[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-log-file-"));
  file = join(folder, "x.log");
  sinks = [];
});

afterEach(async () => {
  for (const sink of sinks) await sink.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<FileSinkOptions> = {}): Sink {
  const sink = fileSink(file, { buffer: false, ...options });
  sinks.push(sink);
  return sink;
}

const read = (name = "x.log"): string => readFileSync(join(folder, name), "utf8");

describe("rotation", () => {
  test("moves a full file to .1 and the older ones up, and drops the oldest", () => {
    const sink = open({ maxBytes: 10, keep: 3 });
    for (const line of ["one 4567\n", "two 4567\n", "three\n", "four 567\n", "five 567\n"]) sink.write(line);
    expect(readdirSync(folder).toSorted()).toEqual(["x.log", "x.log.1", "x.log.2", "x.log.3"]);
    expect([read(), read("x.log.1"), read("x.log.2"), read("x.log.3")]).toEqual([
      "five 567\n",
      "four 567\n",
      "three\n",
      "two 4567\n",
    ]);
  });

  test("counts bytes, and what a file held before the start", () => {
    writeFileSync(file, "12345");
    const sink = open({ maxBytes: 10 });
    sink.write("äö\n");
    expect(existsSync(`${file}.1`)).toBe(false);
    sink.write("ä");
    expect(read("x.log.1")).toBe("12345äö\n");
    expect(read()).toBe("ä");
  });

  test("never cuts a line, and never makes an empty file of one that is too long", () => {
    const sink = open({ maxBytes: 4 });
    sink.write("much too long\n");
    sink.write("as well\n");
    expect(readdirSync(folder).toSorted()).toEqual(["x.log", "x.log.1"]);
    expect(read("x.log.1")).toBe("much too long\n");
  });

  test("fills a gap in the numbers before it moves any further", () => {
    writeFileSync(`${file}.1`, "new");
    writeFileSync(`${file}.3`, "old");
    const sink = open({ maxBytes: 4 });
    for (const line of ["abc\n", "def\n"]) sink.write(line);
    expect([read(), read("x.log.1"), read("x.log.2"), read("x.log.3")]).toEqual([
      "def\n",
      "abc\n",
      "new",
      "old",
    ]);
  });

  test("has the original's sizes when nothing else is said", () => {
    // 500 MB that take no room on the disk
    writeFileSync(file, "");
    truncateSync(file, 500 * 1024 * 1024 - 1);
    for (let number = 1; number <= 100; number++) writeFileSync(`${file}.${number}`, String(number));
    const sink = open();
    sink.write("x");
    expect(read("x.log.100")).toBe("100");
    sink.write("y");
    expect(read()).toBe("y");
    expect([read("x.log.2"), read("x.log.100")]).toEqual(["1", "99"]);
    expect(existsSync(`${file}.101`)).toBe(false);
  });

  test("leaves a link alone: what it points to grows on", () => {
    const real = join(folder, "real.log");
    writeFileSync(real, "");
    symlinkSync(real, file);
    const sink = open({ maxBytes: 4 });
    for (const line of ["abc\n", "def\n"]) sink.write(line);
    expect(read("real.log")).toBe("abc\ndef\n");
    expect(readdirSync(folder).toSorted()).toEqual(["real.log", "x.log"]);
  });

  test("that can't be done is said once on standard error, and no line is lost", () => {
    const stderr = spyOn(process.stderr, "write").mockImplementation(() => true);
    try {
      // a folder that isn't empty can't be replaced by a file
      mkdirSync(`${file}.1/in the way`, { recursive: true });
      const sink = open({ maxBytes: 4, keep: 1 });
      for (const line of ["abc\n", "def\n", "ghi\n", "jkl\n", "mno\n"]) sink.write(line);
      expect(read()).toBe("abc\ndef\nghi\njkl\nmno\n");
      const said = stderr.mock.calls.map(([text]) => String(text));
      expect(said).toEqual([
        expect.stringMatching(/^log\.file: .*x\.log can't be moved to \.1, it grows on: E[A-Z]+\n$/),
      ]);
    } finally {
      stderr.mockRestore();
    }
  });
});

describe("a file that somebody else touches", () => {
  test.each([
    ["moved away", () => renameSync(file, `${file}.old`), "x.log.old"],
    ["deleted", () => rmSync(file), undefined],
    ["replaced by another", () => (renameSync(file, `${file}.old`), writeFileSync(file, "")), "x.log.old"],
    ["in a folder that is deleted", () => rmSync(folder, { recursive: true }), undefined],
  ] as const)("%s is made anew", async (_, touch, old) => {
    const sink = open();
    sink.write("before\n");
    touch();
    await sleep(LOOK);
    sink.write("after\n");
    expect(read()).toBe("after\n");
    if (old) expect(read(old)).toBe("before\n");
  });

  test("emptied by logrotate's copytruncate goes on from its start, with no hole", async () => {
    const sink = open({ maxBytes: 12 });
    sink.write("before\n");
    truncateSync(file);
    await sleep(LOOK);
    sink.write("after\n");
    expect(read()).toBe("after\n");
    expect(existsSync(`${file}.1`)).toBe(false);
  });

  test("gets the lines held back while it was away", async () => {
    const sink = open({ buffer: true });
    sink.write("before\n");
    await sleep(1100);
    renameSync(file, `${file}.old`);
    sink.write("after\n");
    await sleep(1200);
    expect(read()).toBe("after\n");
    expect(read("x.log.old")).toBe("before\n");
  });

  test("shared with a second writer that rotates it: both go on in the new one", async () => {
    const [one, two] = [open({ maxBytes: 10 }), open({ maxBytes: 10 })];
    one.write("one 4567\n");
    await sleep(LOOK);
    two.write("two 4567\n");
    await sleep(LOOK);
    one.write("\n");
    expect(read("x.log.1")).toBe("one 4567\n");
    expect(read()).toBe("two 4567\n\n");
  });
});

test("a pipe or device as the log file is written to and never moved", async () => {
  const sink = fileSink("/dev/null", { buffer: false, maxBytes: 1 });
  for (const line of ["abc\n", "def\n"]) sink.write(line);
  await sink.close();
  expect(existsSync("/dev/null.1")).toBe(false);
});

test("a log that can't be written any more is said once, and goes on when it can", async () => {
  const stderr = spyOn(process.stderr, "write").mockImplementation(() => true);
  try {
    const sink = open();
    sink.write("before\n");
    rmSync(file);
    mkdirSync(file);
    await sleep(LOOK);
    sink.write("lost\n");
    sink.write("lost\n");
    rmSync(file, { recursive: true });
    sink.write("after\n");
    expect(read()).toBe("after\n");
    const said = stderr.mock.calls.map(([text]) => String(text));
    expect(said).toEqual([
      expect.stringMatching(/^log\.file: .*x\.log can't be written, lines are lost: EISDIR\n$/),
    ]);
  } finally {
    stderr.mockRestore();
  }
});

test("large pieces are written before the second is over", () => {
  const sink = open({ buffer: true });
  sink.write("x".repeat(64 * 1024));
  expect(read()).toHaveLength(64 * 1024);
});

test("after close nothing is written, and no listener stays", async () => {
  const listeners = process.listenerCount("exit");
  const sink = open({ buffer: true });
  sink.write("one\n");
  await sink.close();
  sink.write("two\n");
  await sink.close();
  expect(read()).toBe("one\n");
  expect(process.listenerCount("exit")).toBe(listeners);
});

const ENDS = [
  ["process.exit", "process.exit(3);", 3],
  ["the end of its work", "", 0],
  ["an uncaught error", "setTimeout(() => { throw new Error('boom'); });", 1],
  ["an unhandled rejection", "void Promise.reject(new Error('boom'));", 1],
] as const;
const RUNTIMES = [["bun", [process.execPath]] as const];
const deno = Bun.which("deno");
const runtimes: (readonly [string, readonly string[]])[] = [
  ...RUNTIMES,
  ...(deno ? [["deno", [deno, "run", "-A"]] as const] : []),
];

describe.each(runtimes)("under %s the buffered lines are there after", (_, command) => {
  test.each(ENDS)("%s", (_name, end, code) => {
    const script = join(folder, "ends.ts");
    writeFileSync(
      script,
      `import { fileSink } from ${LOG_FILE};
      const sink = fileSink(${JSON.stringify(file)}, { buffer: true });
      for (let count = 0; count < 1000; count++) sink.write("line " + count + "\\n");
      ${end}`,
    );
    const { exitCode } = Bun.spawnSync([...command, script], { stderr: "ignore" });
    expect(exitCode).toBe(code);
    expect(read().trimEnd().split("\n")).toHaveLength(1000);
    expect(read()).toEndWith("line 999\n");
  });
});
