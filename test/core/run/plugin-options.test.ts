/** Options of plugins that aren't used. */
import { expect, test } from "bun:test";
import { createConsola } from "consola";
import { createContext } from "../../../core/run/context.ts";
import { fillRoles } from "../../../core/run/fill-roles.ts";
import { testConfig } from "../../fakes/context.ts";

async function fill(plugins: string[], options: Record<string, object>): Promise<string[]> {
  const warnings: string[] = [];
  const reporter = { log: ({ args }: { args: unknown[] }) => void warnings.push(args.join(" ")) };
  const config = testConfig();
  await using ctx = createContext({ config, log: createConsola({ level: 1, reporters: [reporter] }) });
  const named = plugins.map((name) => ({ name, setup() {} }));
  await fillRoles(ctx, config, { builtins: async () => undefined, plugins: named, pluginOptions: options });
  return warnings;
}

test.each([
  [[], "options for a plugin that isn't used: plugin.mask.*; plugins names none"],
  [["filter", "x"], "options for a plugin that isn't used: plugin.mask.*; the plugins are filter, x"],
])("are a warning, beside %j", async (plugins, warning) => {
  expect(await fill(plugins, { mask: { salt: "x" } })).toEqual([warning]);
});

test("are refused where a plugin that is used is meant", async () => {
  await expect(fill(["filter"], { filtre: { where: "a = 1" } })).rejects.toMatchObject({
    code: "PLUGIN_INVALID",
    hint: "if filter is meant, write plugin.filter.*",
  });
  expect(await fill(["filter"], { filter: { where: "a = 1" } })).toEqual([]);
});
