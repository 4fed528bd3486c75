/**
 * A mask: an attribute's text is replaced by its keyed hash, the same for the same text, in both phases.
 *
 *     plugins = ./hide.ts
 *     plugin.hide.attribute = email
 *     plugin.hide.secret = …
 */
import { createHmac } from "node:crypto";
import type { Plugin } from "nimo-shake";

const hide: Plugin<{ attribute: string; secret: string }> = {
  name: "hide",
  // Half a table under one secret and half under another would be of no use.
  sameOptions: true,
  setup(ctx, { attribute, secret }) {
    if (!secret) throw new Error("plugin.hide.secret is empty");
    const hash = (text: string): string => createHmac("sha256", secret).update(text).digest("hex");
    ctx.hook("table:before", ({ table }) => {
      const { partition, sort } = table.keys;
      if ([partition.name, sort?.name].includes(attribute))
        throw new Error(`${attribute} is a key of ${table.name}`);
    });
    ctx.hook("fetch:after", ({ records }) => {
      for (const { item } of records) {
        const text = item?.[attribute]?.S;
        if (item && text !== undefined) item[attribute] = { S: hash(text) };
      }
    });
  },
};
export default hide;
