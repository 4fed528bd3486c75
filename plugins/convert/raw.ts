/** The conversion that keeps the types' tags. */
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import type { AttributeValue } from "../../core/types.ts";
import { typedValue } from "../_bson/value.ts";
import { createConverter, prefixNested } from "./_converter.ts";

/** `convert.type = raw`: DynamoDB's typed form, every digit and every type intact. */
const raw: Plugin = definePlugin({
  name: "convert/raw",
  setup(ctx) {
    const nestedName = prefixNested(ctx.config);
    const value = (attribute: AttributeValue): unknown => typedValue(attribute, nestedName);
    ctx.provide(
      "convert",
      createConverter(ctx.config, {
        value,
        // The key's path ends in its type tag, so that the index on it serves.
        keyValue: (attribute) => Object.values(value(attribute) as object)[0],
        losesDigits: () => false,
        encoding: { numbers: "typed", longNumber: (digits) => digits, renamesNested: true },
        pathSuffix: ({ type }) => `.${type}`,
        takeOverflowed: () => 0,
      }),
    );
  },
});
export default raw;
