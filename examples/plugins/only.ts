/**
 * A filter: only items of one status, in both phases. An item that gets another status at the source is deleted at the
 * target, one that gets this status is inserted.
 *
 *     plugins = ./only.ts
 *     plugin.only.status = paid
 */
import type { Plugin } from "nimo-shake";

const only: Plugin<{ status: string }> = {
  name: "only",
  setup(ctx, { status }) {
    ctx.hook("fetch:after", (e) => e.keep((item) => item["status"]?.S === status));
  },
};
export default only;
