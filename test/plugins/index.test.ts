/** The built-in plugins that users name. */
import { expect, test } from "bun:test";
import { hookPlugin } from "../../plugins/index.ts";

test("hook plugins by name, and nothing for any other", async () => {
  for (const name of ["filter", "rename", "pick", "exclude", "mask"]) {
    expect((await hookPlugin(name))?.name).toBe(name);
  }
  for (const name of ["toString", "__proto__", "source/dynamodb-scan", ""]) {
    expect(await hookPlugin(name)).toBeUndefined();
  }
});
