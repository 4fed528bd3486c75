/** Looks at everything and changes nothing: records go the way of objects. */
import type { Plugin } from "../../../core/plugin/plugin.ts";

const looker: Plugin = {
  name: "looker",
  keepsKeys: true,
  setup(ctx) {
    let seen = 0;
    ctx.hook("fetch:after", ({ records }) => void (seen += records.length));
    ctx.hook("convert:after", ({ records }) => void (seen += records.length));
    ctx.hook("write:after", () => void seen++);
    ctx.hook("checkpoint:after", () => void seen++);
    ctx.hook("close", () => ctx.log.debug(`looked at ${seen}`));
  },
};
export default looker;
