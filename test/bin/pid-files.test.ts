/** All pid files of a migration at once. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquireAll } from "../../bin/pid-files.ts";

const log = { warn: (): void => {} };
/** Larger than any system gives. */
const DEAD = 2 ** 30;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "nimo-shake-pids-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const leave = (name: string, pid: number): void => writeFileSync(join(folder, name), `${pid}\n`);

test("those that dead processes left go with them, and nobody else's", () => {
  for (const name of ["app.pid", "app-verify.pid", "app-1-of-2-verify.pid", "app-2.pid"]) leave(name, DEAD);
  const releases = acquireAll("app", { folder, log });
  expect(releases).toHaveLength(3);
  for (const release of releases) release();
  expect(readdirSync(folder)).toEqual(["app-2.pid"]);
});

test("one of a comparison that runs: refused, and all are given back", () => {
  leave("app-2-of-2-verify.pid", process.ppid);
  expect(() => acquireAll("app", { folder, log })).toThrow(
    expect.objectContaining({ code: "ALREADY_RUNNING" }),
  );
  expect(readdirSync(folder)).toEqual(["app-2-of-2-verify.pid"]);
});
