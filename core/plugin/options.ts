/** A plugin's options, checked by its schema before its `setup`. */
import * as v from "valibot";
import { MigrationError, reasonOf } from "../errors.ts";
import type { AnyPlugin } from "./plugin.ts";

/**
 * A plugin's options as its schema gives them; without a schema as they are.
 *
 * @throws MigrationError PLUGIN_INVALID when they aren't what it asks for, or when it is no schema
 */
export function checkedOptions(plugin: AnyPlugin, options: unknown): unknown {
  if (plugin.options === undefined) return options;
  const { success, issues, output } = parsed(plugin, options);
  if (success) return output;
  const problems = issues.map((issue) => `${v.getDotPath(issue) ?? "options"}: ${issue.message}`);
  throw new MigrationError("PLUGIN_INVALID", `${problems.join("; ")}: plugin ${plugin.name}`, {
    hint: `correct plugin.${plugin.name}.* in the configuration`,
  });
}

/** What is no schema, or one that has to be waited for, would say nothing; one whose own functions throw says why. */
function parsed(plugin: AnyPlugin, options: unknown): v.SafeParseResult<v.GenericSchema> {
  const schema = (plugin.options ?? {}) as { kind?: unknown; async?: unknown; "~run"?: unknown };
  const isSchema = typeof schema["~run"] === "function" && (schema.kind ?? "schema") === "schema";
  if (!isSchema) throw unfit(plugin, "its options are no valibot schema");
  if (schema.async === true) throw unfit(plugin, "its options are an asynchronous schema");
  try {
    return v.safeParse(plugin.options!, options);
  } catch (error) {
    throw unfit(plugin, `its options' schema threw, ${reasonOf(error)}`, error);
  }
}

function unfit({ name }: AnyPlugin, what: string, cause?: unknown): MigrationError {
  return new MigrationError("PLUGIN_INVALID", `${what}: plugin ${name}`, {
    ...(cause !== undefined && { cause }),
    hint: "let it have a synchronous schema of valibot as options, such as v.object({ … }), or none",
  });
}
