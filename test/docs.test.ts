/** What is written about the code: every file says what it is for, and what documents name is there. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

const FILES = ["*.ts", "{core,plugins,bin,test,bench,examples}/**/*.ts"].flatMap((pattern) =>
  [...new Bun.Glob(pattern).scanSync(ROOT)].map((file) => file.replaceAll("\\", "/")),
);

const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");

describe("every file", () => {
  test("says in its first line what it is for", () => {
    // What a shell has to see first may stand before it.
    const silent = FILES.filter((file) => !/^(#!.*\n)?\/\*\*/.test(textOf(file)));
    expect(silent).toEqual([]);
  });
});
