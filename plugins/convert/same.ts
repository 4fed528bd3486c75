import { definePlugin, type Plugin } from "../../core/plugin.ts";
import type { TargetDocument } from "../../core/types.ts";
import { createItemSlicer } from "./_item-slicer.ts";

/** `convert.type = same`: DynamoDB JSON as the source sent it, for targets with DynamoDB's protocol. */
const same: Plugin = definePlugin({
  name: "convert/same",
  setup(ctx) {
    ctx.provide("convert", {
      convert(records) {
        for (const record of records) {
          record.key = record.keys as TargetDocument;
          if (record.item !== undefined) record.document = record.item as TargetDocument;
        }
        return { overflowed: 0 };
      },
      fieldPath: ({ name }) => name,
      transcoder: createItemSlicer,
    });
  },
});
export default same;
