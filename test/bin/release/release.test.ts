/** What a release refuses, and what comes with an executable. */
import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { contents } from "../../../bin/release/contents.ts";
import { formula } from "../../../bin/release/formula.ts";
import { madeFrom, ROOT } from "../../../bin/release/made-from.ts";
import { notices } from "../../../bin/release/notices.ts";
import { archiveName, TARGETS } from "../../../bin/release/targets.ts";
import { checkVersion } from "../../../bin/release/version.ts";
import pkg from "../../../package.json" with { type: "json" };

const BUILD = { version: "1.2.3", commit: "0123456789", date: "2026-11-27", platform: "linux-x64" };

test("package.json and deno.json have one version, and a tag has it too", () => {
  checkVersion(undefined);
  checkVersion(`v${pkg.version}`);
  expect(() => checkVersion("v99.0.0")).toThrow("the tag v99.0.0 isn't that of version");
});

test("SOURCE_DATE_EPOCH is the day of a build", () => {
  const commit = madeFrom({});
  expect(madeFrom({ SOURCE_DATE_EPOCH: "0" })).toEqual(commit && { ...commit, date: "1970-01-01" });
});

test.each([
  [
    { SOURCE_COMMIT: "0123456789", SOURCE_DATE_EPOCH: "0" },
    { commit: "0123456789", date: "1970-01-01" },
  ],
  [{ SOURCE_COMMIT: "", SOURCE_DATE_EPOCH: "" }, undefined],
  [{}, undefined],
])("what is no clone is made from what %j says", (env, commit) => {
  expect(madeFrom(env, tmpdir())).toEqual(commit);
});

test("an executable that doesn't exist is refused", () => {
  const { exitCode, stderr } = Bun.spawnSync(
    [process.execPath, "bin/release/release.ts", "--only", "amiga"],
    {
      cwd: ROOT,
      stderr: "pipe",
    },
  );
  expect(exitCode).toBe(1);
  expect(stderr.toString()).toContain("no executable amiga: linux-x64,");
});

describe("beside the executable", () => {
  const files = contents(BUILD, "the notices");
  const textOf = (name: string): string => files.find((file) => file.name === name)!.data.toString();

  test("there are licences, the configuration, completions and the manual page", () => {
    expect(textOf("LICENSE")).toContain("MIT License");
    expect(textOf("THIRD-PARTY-NOTICES")).toBe("the notices");
    expect(textOf("nimo-shake.conf")).toContain("target.address");
    expect(textOf("nimo-shake.1")).toContain("nimo-shake 1.2.3");
    expect(textOf("completions/nimo-shake.bash")).toContain("complete -o default");
    expect(textOf("completions/_nimo-shake")).toStartWith("#compdef nimo-shake");
    expect(textOf("completions/nimo-shake.fish")).toContain("complete -c nimo-shake");
  });

  test("nothing of them is empty, or named twice", () => {
    expect(files.filter(({ data }) => data.byteLength === 0)).toEqual([]);
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
  });
});

test("what is compiled in is named with its licence's text", async () => {
  const text = await notices();
  for (const name of ["@aws-sdk/client-dynamodb", "mongodb", "cac", "uplot"]) {
    const [, own] = text.split(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+$`, "m"));
    expect(own?.slice(0, 3000)).toMatch(/Permission is hereby granted|Apache License/);
  }
}, 30_000);

describe("Homebrew's formula", () => {
  const checksum = (target: string): string => target.padEnd(64, "0");
  const text = formula({ version: "1.2.3", repository: "someone/somewhere", checksum });

  test("fetches archives that a release has, each with its own checksum", () => {
    const names = TARGETS.map((target) => archiveName(target, "1.2.3"));
    const urls = [...text.matchAll(/url "(.+)"\n +sha256 "(.+)"/g)];
    expect(urls).toHaveLength(4);
    for (const [, url, sum] of urls) {
      const archive = url!.replaceAll("#{version}", "1.2.3").split("/").at(-1)!;
      expect(names).toContain(archive);
      expect(sum).toBe(checksum(archive.replace("nimo-shake-1.2.3-", "").replace(".tar.gz", "")));
      expect(url).toStartWith("https://github.com/someone/somewhere/releases/download/v#{version}/");
    }
    expect(text).toContain('version "1.2.3"');
  });

  test("installs what the archives hold", () => {
    const held = ["nimo-shake", ...contents(BUILD, "").map(({ name }) => name)];
    const installed = [...text.matchAll(/\.install "(.+?)"/g)].map(([, name]) => name!);
    expect(installed).toHaveLength(6);
    expect(installed.filter((name) => !held.includes(name))).toEqual([]);
  });

  test("isn't made where an archive is missing", () => {
    expect(() => formula({ version: "1.2.3", repository: "a/b", checksum: () => undefined })).toThrow(
      "that isn't there: darwin-arm64",
    );
  });
});
