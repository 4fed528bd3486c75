/** The conversion that changes nothing. */
import { keyAttributes, targetNameOf } from "../../core/schema/keys.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import type { Converter } from "../../core/plugin/roles.ts";
import { setField } from "../../core/schema/set-field.ts";
import { createItemSlicer } from "./same/item-slicer.ts";

/** `convert.type = same`: DynamoDB JSON as the source sent it, for targets with DynamoDB's protocol. */
const same: Plugin = definePlugin({
  name: "convert/same",
  setup(ctx) {
    const converter: Converter = {
      convert(records, table) {
        const names = keyAttributes(table).map(
          (attribute) => [attribute.name, targetNameOf(attribute)] as const,
        );
        for (const record of records) {
          record.key = {};
          for (const [name, targetName] of names) setField(record.key, targetName, record.keys[name]);
          if (record.item !== undefined) record.document = record.item;
        }
        return { overflowed: 0 };
      },
      fieldPath: targetNameOf,
      transcoder: (unit) => createItemSlicer(unit, converter),
    };
    ctx.provide("convert", converter);
  },
});
export default same;
