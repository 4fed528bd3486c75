/** `bench full --against`: another executable in turns with ours, on the same source and target. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Report } from "../../bench/report.ts";

const ROOT = join(import.meta.dirname, "../..");
const OTHER = join(ROOT, "test/fixtures/other-executable.ts");

/** Of two turns. */
const LONG = 90_000;

function bench(...args: string[]): { code: number; output: string; error: string } {
  const command = [
    process.execPath,
    join(ROOT, "bench/bench.ts"),
    "full",
    "--tool=bin/cli.ts",
    "--items=200",
  ];
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command, "--runs=1", ...args], { cwd: ROOT });
  return { code: exitCode, output: stdout.toString(), error: stderr.toString() };
}

test(
  "its figures stand beside ours",
  () => {
    const against = `"${process.execPath}" "${OTHER}"`;
    const { code, output, error } = bench("--no-floor", `--against=${against}`, "--json");
    expect({ code, error: code === 0 ? "" : error }).toEqual({ code: 0, error: "" });
    const { sides, rows } = JSON.parse(output) as Report;
    expect(sides).toEqual(["tool", "against"]);
    const of = (side: string): string[] => rows.filter((row) => side in row.sides).map(({ name }) => name);
    expect(of("against")).toEqual(["perSecond", "wallMs", "pureMs", "cpuUs", "peakMb"]);
    expect(of("tool")).toEqual(
      expect.arrayContaining([...of("against"), "insertMs", "indexMs", "fetchShare"]),
    );
  },
  LONG,
);

test(
  "one that has not copied all is a failure that says how much is there",
  () => {
    const script = `console.log("full sync done!")`;
    const { code, error } = bench("--no-floor", `--against="${process.execPath}" -e '${script}'`);
    expect(code).toBe(1);
    expect(error.trim().split("\n").at(-1)).toContain("holds 0 documents instead of 200");
  },
  LONG,
);
