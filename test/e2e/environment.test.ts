/** Commands without a configuration file: all of it is in the environment and in --set. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { scenario, someItems } from "./helpers.ts";

setDefaultTimeout(180_000);

test("run and verify from the environment alone; their files are in the working folder", async () => {
  await using s = await scenario();
  const table = await s.table("env", { items: someItems(3) });
  const env = Object.fromEntries(
    Object.entries(s.settings({ "log.file": "run.log", "checkpoint.type": "file" })).map(([key, value]) => [
      `NIMO_${key.toUpperCase().replaceAll(".", "_")}`,
      String(value),
    ]),
  );
  const run = await s.run(["run"], env);
  expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining("full sync done!") });
  expect(await s.db.collection(table).countDocuments({})).toBe(3);
  for (const name of ["run.log", "checkpoint-state"]) expect(existsSync(join(s.folder, name))).toBe(true);
  const verify = await s.run(["verify", "--json", "--set", "log.level=none"], env);
  expect(JSON.parse(verify.stdout)).toMatchObject({ tables: [expect.objectContaining({ equal: 3 })] });
  const refused = await s.run(["verify"], { ...env, NIMO_TARGET_ADDRESS: "" });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("target.address (environment variable NIMO_TARGET_ADDRESS): is required");
  const nothing = await s.run(["run"]);
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining("error [USAGE]") });
});
