/** A configuration file is written whole, for its user only, and never over another by accident. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeConf } from "../../../bin/init/write-conf.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-shake-conf-"));
  path = join(folder, "a.conf");
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([false, true])("a new one, over = %p: only its user can read it", (over) => {
  writeConf(path, "text", over);
  expect(readFileSync(path, "utf8")).toBe("text");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["a.conf"]);
});

test("one that is there stays", () => {
  writeFileSync(path, "mine");
  expect(() => writeConf(path, "text", false)).toThrow("is there already");
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect(readdirSync(folder)).toEqual(["a.conf"]);
});

test("over one that anybody could read: only its user can", () => {
  writeFileSync(path, "mine", { mode: 0o644 });
  writeConf(path, "text", true);
  expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777]).toEqual(["text", 0o600]);
});

test("a folder that isn't there is told", () => {
  const failing = (): void => writeConf(join(folder, "no", "a.conf"), "text", false);
  expect(failing).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining("ENOENT") }),
  );
});
