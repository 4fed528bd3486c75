/** The conversion that makes doubles of numbers. */
import { isExactDouble } from "../_bson/number.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { plainValue } from "../_bson/value.ts";
import { createConverter } from "./_converter.ts";
import { DECIMAL } from "../../core/schema/decimal.ts";

/**
 * `convert.type = mchange`: NimoShake's doubles, for those who depend on them. Every number that
 * lost digits is counted; `_id` is renamed at the top level only, as NimoShake does.
 */
const mchange: Plugin = definePlugin({
  name: "convert/mchange",
  setup(ctx) {
    let overflowed = 0;

    function number(digits: string): number {
      // Alone it makes 0 of a blank, and takes hexadecimals.
      if (!DECIMAL.test(digits)) throw new RangeError(`${JSON.stringify(digits)} is no number`);
      const double = Number(digits);
      if (!isExactDouble(digits, double)) overflowed++;
      return double;
    }

    const mapping = { number, nestedName: (name: string): string => name };
    ctx.provide(
      "convert",
      createConverter(ctx.config, {
        numbers: "double",
        value: (attribute) => plainValue(attribute, mapping),
        keyValue: (attribute) => plainValue(attribute, mapping),
        losesDigits: (digits) => !isExactDouble(digits, Number(digits)),
        encoding: { numbers: "double", longNumber: number, renamesNested: false },
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
export default mchange;
