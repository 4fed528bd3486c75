/** The plugin `mask`. */
import type { Context } from "../../core/plugin/context.ts";
import { MigrationError } from "../../core/errors.ts";
import { attributesOf, keyAttributes, targetNameOf } from "../../core/schema/keys.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import type { Item, KeyAttribute, Table } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";
import { type DeepSelection, readDeepSelection } from "./_attributes.ts";
import { hashing, type Mask, redact } from "./mask/values.ts";
import {
  checkKeys,
  invalidOption,
  perTable,
  type TextOptions,
  textOptions,
  warnOfStrangers,
} from "./_options.ts";
import { editRecords } from "./_records.ts";
import { primaryNames } from "./_table-keys.ts";

/**
 * Hides values.
 *
 * - `attributes`: names, separated by `;`, with `*` for any characters, or paths into maps as `address.street`;
 *   a pattern never hides the primary key's attributes
 * - `attributes.<table>`: the same for one table, instead of `attributes`
 * - `method`: `hash` (default) puts the HMAC-SHA-256 in a value's place, `redact` the same for every value
 * - `salt`: the HMAC's key; a secret
 */
const mask: Plugin<TextOptions> = definePlugin({
  name: "mask",
  options: textOptions,
  sameOptions: true,
  // Where it doesn't, it refuses `on_gap = resync` itself.
  keepsKeys: true,
  setup(ctx, options) {
    checkKeys("mask", options, ["attributes", "attributes.<table>", "method", "salt"]);
    const method = methodOf(options["method"] ?? "hash");
    const salt = options["salt"] ?? "";
    const selections = perTable(options, "attributes", readDeepSelection);
    if (selections === undefined) return;
    if (method === "hash" && salt === "") {
      ctx.log.warn("plugin.mask.salt is empty: who knows the method can find short values by trying");
    }
    const maskValue = method === "hash" ? hashing(salt) : redact;
    warnOfStrangers(ctx, "mask", "attributes", selections);
    ctx.hook("table:before", ({ table }) => {
      const selection = selections.of(table.name);
      if (selection !== undefined) checkKeyAttributes(ctx, table, selection, method);
    });
    editRecords(ctx, (table) => {
      const selection = selections.of(table.name);
      if (selection === undefined) return undefined;
      const primary = primaryNames(table);
      const masked = keyAttributes(table).filter((attribute) => selection.names(targetNameOf(attribute)));
      return {
        image: (item) => selection.change(item, maskValue, primary),
        ...(masked.length > 0 && { keys: (keys) => maskKeys(keys, masked, maskValue) }),
      };
    });
  },
});
export default mask;

function methodOf(text: string): "hash" | "redact" {
  if (text === "hash" || text === "redact") return text;
  throw invalidOption(
    "mask",
    "method",
    `${JSON.stringify(text)} is no method`,
    "the methods are hash and redact",
  );
}

/** Refuses what would make keys fall together, change their type, or make the source unable to answer. */
function checkKeyAttributes(
  ctx: Context,
  table: Table,
  selection: DeepSelection,
  method: "hash" | "redact",
): void {
  const primary = primaryNames(table);
  const invalid = (problem: string, hint: string): MigrationError =>
    new MigrationError("PLUGIN_INVALID", `plugin mask: ${problem}: table ${table.name}`, { hint });

  const attributes = [table.keys, ...table.secondary].flatMap(attributesOf);
  for (const [name, { type }] of new Map(attributes.map((each) => [targetNameOf(each), each]))) {
    if (!selection.has(name)) continue;
    const isPrimary = primary.has(name);
    if (isPrimary && !selection.names(name)) {
      ctx.log.warn(`plugin mask: no pattern hides the key attribute ${name}, name it: table ${table.name}`);
      continue;
    }
    if (method === "redact") {
      throw invalid(
        `the key attribute ${name} would be the same in every item`,
        "use method = hash for keys",
      );
    }
    if (type === "N") {
      throw invalid(
        `the hash of the key attribute ${name}, a number, is none`,
        `take ${name} out of plugin.mask.attributes, or set plugin.mask.attributes.${table.name}`,
      );
    }
    if (isPrimary) table.hasOtherKeys = true;
    if (isPrimary && ctx.config.on_gap === "resync") {
      throw invalid(
        `on_gap = resync can't be done when the key attribute ${name} is hashed, the source doesn't know the hashes`,
        "set on_gap = fail",
      );
    }
  }
}

function maskKeys(keys: Item, masked: KeyAttribute[], maskValue: Mask): Item {
  const hashed: Item = {};
  for (const name in keys) {
    const isMasked = masked.some((attribute) => attribute.name === name);
    setField(hashed, name, isMasked ? maskValue(keys[name]!) : keys[name]);
  }
  return hashed;
}
