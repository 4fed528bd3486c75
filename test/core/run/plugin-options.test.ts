/** Options of plugins that aren't used. */
import { expect, test } from "bun:test";
import { createConsola } from "consola";
import * as v from "valibot";
import { createContext } from "../../../core/run/context.ts";
import { fillRoles } from "../../../core/run/fill-roles.ts";
import type { AnyPlugin } from "../../../core/plugin/plugin.ts";
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

const text = v.string();
const thrower = v.pipe(
  v.unknown(),
  v.transform(() => {
    throw new Error("no");
  }),
);

test.each<[what: string, options: unknown, says: string]>([
  ["null", null, "its options are no valibot schema"],
  ["an object", { one_in: "string" }, "its options are no valibot schema"],
  ["a function", () => ({}), "its options are no valibot schema"],
  ["a pipe's action", v.minLength(1), "its options are no valibot schema"],
  ["asynchronous", v.objectAsync({ a: text }), "its options are an asynchronous schema"],
  ["a schema that throws", thrower, "its options' schema threw, no"],
])("a schema that is %s is refused", async (_, options, says) => {
  await using ctx = createContext({ config: testConfig() });
  const plugin = { name: "mine", options, setup() {} } as AnyPlugin;
  await expect(ctx.use(plugin, { a: "x" })).rejects.toMatchObject({
    code: "PLUGIN_INVALID",
    message: `${says}: plugin mine`,
  });
});
