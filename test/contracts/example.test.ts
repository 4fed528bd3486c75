/** As the author of a plugin tests it: a checkpoint in a JSON file, with node's own test runner's or any other's `test`. */
import { test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { definePlugin } from "nimo-shake";
import { checkpointContract } from "nimo-shake/test";

/** The plugin: `plugin.one-file.path` is its file. */
const plugin = definePlugin<{ path: string }>({
  name: "one-file",
  setup(ctx, { path }) {
    type States = [string, [string, unknown][]][];
    const whole = (name: string): string => JSON.stringify([ctx.config.id, name]);

    function load(): Map<string, Map<string, unknown>> {
      const entries = JSON.parse(readFileSync(path, "utf8")) as States;
      return new Map(entries.map(([name, parts]) => [name, new Map(parts)]));
    }
    function change(edit: (all: ReturnType<typeof load>) => void): void {
      const all = load();
      edit(all);
      writeFileSync(`${path}.new`, JSON.stringify([...all].map(([name, parts]) => [name, [...parts]])), {
        flush: true,
      });
      renameSync(`${path}.new`, path);
    }

    ctx.provide("checkpoint", {
      place: `file ${path}`,
      load: async (name) => load().get(whole(name)) ?? new Map(),
      save: async (name, parts) =>
        change((all) => all.set(whole(name), new Map([...(all.get(whole(name)) ?? []), ...parts]))),
      clear: async (name) => change((all) => all.delete(whole(name))),
    });
  },
});

async function makePlace() {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-example-"));
  const path = join(folder, "states.json");
  writeFileSync(path, "[]");
  return {
    settings: { "plugin.one-file.path": path },
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
  };
}

for (const { name, run } of checkpointContract({ plugin, makePlace })) test(name, run);
