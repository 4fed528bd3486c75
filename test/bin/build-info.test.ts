/** Which build this is. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildInfo, commitOf, versionText } from "../../bin/build-info.ts";
import pkg from "../../package.json" with { type: "json" };

const PLATFORM = `${process.platform}-${process.arch}`;

test.each([
  [{ version: "1.2.3", platform: "linux-x64" }, "nimo-shake 1.2.3 (linux-x64)"],
  [
    { version: "1.2.3", commit: "0123456789+", date: "2026-11-27", platform: "linux-arm64-musl" },
    "nimo-shake 1.2.3 (commit 0123456789+, 2026-11-27, linux-arm64-musl)",
  ],
])("%j", (build, text) => {
  expect(versionText(build)).toBe(text);
});

test("from source it is that of the package", () => {
  expect(buildInfo()).toMatchObject({ version: pkg.version, platform: PLATFORM });
});

describe("a folder's commit", () => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-build-"));
  const git = (...args: string[]): void => {
    const author = [
      "-c",
      "user.name=test",
      "-c",
      "user.email=test@example.com",
      "-c",
      "commit.gpgsign=false",
    ];
    const { exitCode, stderr } = Bun.spawnSync(["git", "-C", folder, ...author, ...args], {
      env: { ...process.env, GIT_COMMITTER_DATE: "2026-11-27T23:30:00+02:00" },
    });
    if (exitCode !== 0) throw new Error(stderr.toString());
  };

  test("is told with its day in UTC, and whether files were changed after it", () => {
    try {
      expect(commitOf(folder)).toBeUndefined();
      git("init", "--quiet");
      expect(commitOf(folder)).toBeUndefined();
      writeFileSync(join(folder, "file"), "1");
      git("add", "file");
      git("commit", "--quiet", "-m", "first");
      const first = commitOf(folder)!;
      expect(first).toEqual({ commit: expect.stringMatching(/^[0-9a-f]{10}$/), date: "2026-11-27" });
      writeFileSync(join(folder, "file"), "2");
      expect(commitOf(folder)).toEqual({ commit: `${first.commit}+`, date: first.date });
      // A package inside of somebody's repository isn't of its commit.
      mkdirSync(join(folder, "node_modules"));
      expect(commitOf(join(folder, "node_modules"))).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
