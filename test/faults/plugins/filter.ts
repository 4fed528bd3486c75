/** Leaves out items with an attribute `hidden`, in both phases. */
import type { Plugin } from "../../../core/plugin/plugin.ts";

const visible: Plugin = {
  name: "visible",
  keepsKeys: true,
  setup(ctx) {
    ctx.hook("fetch:after", (event) => event.keep((item) => item["hidden"] === undefined));
  },
};
export default visible;
