/** What every failing run must look like, whatever failed. */
import { expect } from "bun:test";
import type { Outcome } from "./helpers.ts";

/** What is expected of one failure. */
export interface Refusal {
  exit: number;
  /** The code in `error [CODE]`. */
  code: string;
  /** Must be in the error's line, or in those below it. */
  says?: (string | RegExp)[];
}

/** Checks the exit code, the `error [CODE]` line, the `hint:` line, and that there is no stack and no success. */
export function expectRefusal(run: Outcome, { exit, code, says = [] }: Refusal): void {
  const { stdout, stderr } = run;
  expect({ exit: run.code, line: stderr.split("\n")[0] }).toEqual({
    exit,
    line: expect.stringContaining(`error [${code}] `),
  });
  expect(stderr).toMatch(/^error \[/);
  expect(stderr).toMatch(/^hint: \S/m);
  expect(stderr.match(/^error \[/gm)).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).not.toMatch(/^\s+at /m);
  expect(stdout).not.toContain("full sync done!");
  for (const text of says) {
    if (typeof text === "string") expect(stderr).toContain(text);
    else expect(stderr).toMatch(text);
  }
}
