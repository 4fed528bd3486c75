/** The benchmark's command line: what each kind takes, and what is refused. */
import { describe, expect, test } from "bun:test";
import { helpText, KINDS, type Options, readCommandLine } from "../../bench/command-line.ts";

function optionsOf(...argv: string[]): Options {
  const wanted = readCommandLine(argv);
  if (wanted.do !== "measure") throw new Error(wanted.do);
  return wanted.options;
}

test("nothing said is the full phase as the README has it", () => {
  expect(optionsOf()).toMatchObject({ kind: "full", shape: "medium", items: 300_000, runs: 5, floor: true });
});

test.each([
  ["incr", "medium", 100_000],
  ["incr", "large", 10_000],
  ["proxy", "large", 30_000],
  ["verify", "small", 300_000],
  ["full", "huge", 1_000],
])("%s of %s items takes %p of them", (kind, shape, items) => {
  expect(optionsOf(kind, `--shape=${shape}`)).toMatchObject({ kind, shape, items, runs: 5 });
});

test("options stand before or behind the kind, and some are repeated", () => {
  const argv = ["--set", "a=1", "incr", "--set=b=2", "--mix", "--no-floor", "--shards=2", "--profile"];
  expect(optionsOf(...argv)).toMatchObject({
    kind: "incr",
    sets: ["a=1", "b=2"],
    mix: true,
    floor: false,
    shards: 2,
    profile: ".",
  });
});

describe("what can't be meant is said in a line", () => {
  test.each([
    [["ful"], "one of full, incr, proxy, verify is measured"],
    [["full", "incr"], "one of full, incr, proxy, verify is measured"],
    [["verify", "--against=x"], "--against is for full, incr, proxy"],
    [["proxy", "--mix"], "--mix is for incr"],
    [["--runs=0"], "--runs must be a whole number from 1 to 100"],
    [["--shape=tiny"], "--shape must be one of"],
    [["--compare", "a.json"], "--compare takes two files"],
    [["--frobnicate"], "--frobnicate"],
  ])("%p", (argv, text) => {
    expect(() => readCommandLine(argv)).toThrow(text);
  });
});

test("two files are compared, and nothing is measured", () => {
  expect(readCommandLine(["--compare", "a.json", "b.json"])).toEqual({
    do: "compare",
    files: ["a.json", "b.json"],
  });
});

test("the help names every kind, and every option is taken", () => {
  expect(readCommandLine(["--help"])).toEqual({ do: "help" });
  for (const kind of KINDS) expect(helpText()).toContain(kind);
  const named = [...helpText().matchAll(/^ {2}--([\w-]+)(=| |$)/gm)].map(([, name]) => name!);
  expect(named).toContain("against-set");
  for (const name of named) expect(() => readCommandLine([`--${name}=1`])).not.toThrow(/Unknown option/);
});
