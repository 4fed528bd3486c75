/** Where the checkpoint's files go when no setting says it. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { originalFolder } from "../../../core/config/checkpoint-folder.ts";
import { testConfig } from "../../fakes/context.ts";

/** A working folder, and others beside it. */
function world() {
  const root = mkdtempSync(join(tmpdir(), "nimo-shake-folder-"));
  const at = (...names: string[]): string => join(root, ...names);
  for (const each of ["work", "opt", "usr/bin"]) mkdirSync(at(each), { recursive: true });
  return {
    at,
    /** What is found when a program of a folder is started in the working folder. */
    found: (program: string, settings = {}): string =>
      originalFolder(testConfig({ id: "shop", "target.type": "file", ...settings }), {
        executable: at(program),
        folder: at("work"),
      }).slice(root.length + 1),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

test("an unpacked program: beside it", () => {
  using w = world();
  expect(w.found("opt/nimo-shake")).toBe("opt/checkpoint");
});

test.each([
  ["a folder of commands", "usr/bin/nimo-shake"],
  ["one that nothing can be written to", "gone/nimo-shake"],
  ["a runtime's", "opt/bun"],
])("%s: in the working folder", (_, program) => {
  using w = world();
  expect(w.found(program)).toBe("work/checkpoint");
});

test("where this migration has it already it stays, and another's doesn't count", () => {
  using w = world();
  mkdirSync(w.at("usr/bin/checkpoint-state/shop"), { recursive: true });
  mkdirSync(w.at("work/checkpoint-state/other"), { recursive: true });
  expect(w.found("usr/bin/nimo-shake")).toBe("usr/bin/checkpoint");
  expect(w.found("usr/bin/nimo-shake", { id: "third" })).toBe("work/checkpoint");
  mkdirSync(w.at("work/checkpoint-state/shop"));
  expect(w.found("opt/nimo-shake")).toBe("work/checkpoint");
});

test("a setting, and NimoShake's own folder, come before all that", () => {
  using w = world();
  mkdirSync(w.at("usr/bin/checkpoint-state/shop"), { recursive: true });
  mkdirSync(w.at("work/shop-checkpoint"));
  expect(w.found("usr/bin/nimo-shake")).toBe("work/shop-checkpoint");
  expect(w.found("usr/bin/nimo-shake", { "checkpoint.address": "kept" })).toBe("work/kept");
});
