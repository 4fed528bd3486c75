/** The conversion that keeps numbers exact. */
import { exactNumber, roundedNumber } from "../_bson/number.ts";
import { parseDecimal } from "../../core/schema/decimal.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { plainValue } from "../_bson/value.ts";
import { createConverter, prefixNested } from "./_converter.ts";

/**
 * `convert.type = change`: exact. Integers become int32 or int64 where they fit, other numbers
 * Decimal128; those of 35 to 38 digits follow `convert.number_overflow` and are counted.
 */
const change: Plugin = definePlugin({
  name: "convert/change",
  setup(ctx) {
    const overflow = ctx.config["convert.number_overflow"];
    let overflowed = 0;

    function number(digits: string): unknown {
      const exact = exactNumber(digits);
      if (exact !== undefined) return exact;
      if (overflow === "fail") {
        throw new RangeError(`the number ${digits} has more than 34 digits, convert.number_overflow is fail`);
      }
      overflowed++;
      return overflow === "round" ? roundedNumber(digits) : digits;
    }

    const mapping = { number, nestedName: prefixNested(ctx.config) };
    const value = (attribute: Parameters<typeof plainValue>[0]): unknown => plainValue(attribute, mapping);
    ctx.provide(
      "convert",
      createConverter(ctx.config, {
        value,
        keyValue: (attribute) => {
          const before = overflowed;
          const key = value(attribute);
          // The key is part of the item too and is counted there.
          overflowed = before;
          return key;
        },
        losesDigits: (digits) =>
          overflow === "round" && digits.length > 34 && parseDecimal(digits).digits.length > 34,
        encoding: { numbers: "exact", longNumber: number, renamesNested: true },
        pathSuffix: () => "",
        takeOverflowed: () => {
          const taken = overflowed;
          overflowed = 0;
          return taken;
        },
      }),
    );
  },
});
export default change;
