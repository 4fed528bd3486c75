/** What is installed is what bun.lock says, byte for byte. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import lock from "../../../bun.lock";

const ROOT = join(import.meta.dirname, "../../..");

/** A name and version, where it is from when that isn't the registry, what it needs, its checksum. */
type Entry = [nameAndVersion: string, from: string, needs: object, checksum?: string];

const { packages } = lock as unknown as { packages: Record<string, Entry> };

test("every package is the registry's, of one version, and has a checksum", () => {
  const entries = Object.values(packages);
  expect(entries.length).toBeGreaterThan(100);
  const unfit = entries.filter(
    ([name, from, , checksum]) =>
      !/@\d+\.\d+\.\d+[\w.+-]*$/.test(name) || from !== "" || !checksum?.startsWith("sha512-"),
  );
  expect(unfit).toEqual([]);
});

test("no script installs past it", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const installs = [...Object.values(scripts), readFileSync(join(ROOT, ".ci/run"), "utf8")].flatMap((text) =>
    [...text.matchAll(/\b(?:bun|npm) (?:install|i|ci|add)\b[^&\n]*/g)].map(([command]) => command),
  );
  expect(installs.length).toBeGreaterThan(5);
  expect(installs.filter((command) => !command.includes("--frozen-lockfile"))).toEqual([]);
});
