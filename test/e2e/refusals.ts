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

/** Checks the end of a run that a signal stopped: no error, and a last line that says where it stands. */
export function expectStop(run: Outcome, signal: "SIGINT" | "SIGTERM", says: string | RegExp = ""): void {
  expect({ exit: run.code, stderr: run.stderr }).toEqual({
    exit: signal === "SIGINT" ? 130 : 143,
    stderr: "",
  });
  const last = run.stdout.trimEnd().split("\n").at(-1)!;
  expect(last).toMatch(new RegExp(`^stopped (at the tip )?by ${signal}\\b`));
  expect(last).toEndWith("start it again in the same way: it goes on where it stopped");
  expect(last).toMatch(says);
}
