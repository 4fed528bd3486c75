/** The error codes and their documentation. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

test("the README explains every error code", () => {
  const source = readFileSync(join(root, "core/errors.ts"), "utf8");
  const codes = [...source.matchAll(/^ {2}(\w+): \{ exit: (\d+), meaning: "(.*)" \}/gm)];
  expect(codes.length).toBeGreaterThan(20);
  const readme = readFileSync(join(root, "README.md"), "utf8").replaceAll(/ +\|/g, " |");
  for (const [, code, exit, meaning] of codes) {
    expect(readme).toContain(`| \`${code}\` | ${exit} | ${meaning} |`);
  }
});
