/** Log files that are full, go on, or are moved away. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSink, type Sink } from "../../../bin/log/log-file.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "nimo-roll-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (): string => join(folder, "nimo.log");
const files = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
const write = (sink: Sink, from: number, to: number): void => {
  for (let n = from; n <= to; n++) sink.write(`line ${n}\n`);
};

describe("a log file that is full", () => {
  test("moves to .1, the older ones up, and the oldest goes", async () => {
    const sink = fileSink(path(), { buffer: false, maxBytes: 14, keep: 2 });
    write(sink, 1, 7);
    await sink.close();
    expect(files()).toEqual({
      "nimo.log": "line 7\n",
      "nimo.log.1": "line 5\nline 6\n",
      "nimo.log.2": "line 3\nline 4\n",
    });
  });

  test("loses no line in a buffer", async () => {
    const sink = fileSink(path(), { buffer: true, maxBytes: 1000, keep: 1000 });
    write(sink, 1, 20_000);
    await sink.close();
    const lines = Object.values(files()).join("").trimEnd().split("\n");
    const numbers = lines.map((line) => Number(line.slice(5))).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, i) => i + 1));
  });

  test("is gone on with after a restart", async () => {
    for (let n = 1; n <= 3; n++) {
      const sink = fileSink(path(), { buffer: false, maxBytes: 14, keep: 5 });
      write(sink, n, n);
      await sink.close();
    }
    expect(files()).toEqual({ "nimo.log": "line 3\n", "nimo.log.1": "line 1\nline 2\n" });
  });
});

test("a log file that logrotate has moved away is made anew", async () => {
  const sink = fileSink(path(), { buffer: false });
  write(sink, 1, 1);
  renameSync(path(), `${path()}.moved`);
  await Bun.sleep(600);
  write(sink, 2, 2);
  await sink.close();
  expect(files()).toEqual({ "nimo.log": "line 2\n", "nimo.log.moved": "line 1\n" });
});
