/** A log file where the file system has no modes, as some network shares: it rolls all the same. */
import { expect, mock, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRollingFile } from "../../../bin/log/rolling-file.ts";

test("a file system that refuses modes loses no line", async () => {
  const real = { ...fs };
  const folder = real.mkdtempSync(join(tmpdir(), "nimo-roll-"));
  let asked = 0;
  const fchmodSync = (): never => {
    asked++;
    throw Object.assign(new Error("EPERM: operation not permitted, fchmod"), { code: "EPERM" });
  };
  await mock.module("node:fs", () => ({ ...real, fchmodSync }));
  try {
    const path = join(folder, "nimo.log");
    const file = openRollingFile(path, { maxBytes: 8 });
    for (const line of ["line 1\n", "line 2\n", "line 3\n"]) file.append(line);
    file.close();
    expect(asked).toBe(2);
    const names = ["nimo.log.2", "nimo.log.1", "nimo.log"];
    const texts = names.map((name) => real.readFileSync(join(folder, name), "utf8"));
    expect(texts).toEqual(["line 1\n", "line 2\n", "line 3\n"]);
  } finally {
    await mock.module("node:fs", () => real);
    real.rmSync(folder, { recursive: true, force: true });
  }
});
