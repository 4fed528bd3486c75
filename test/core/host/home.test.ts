/** Who has no home. */
import { expect, test } from "bun:test";
import { ensureHome } from "../../../core/host/home.ts";

const unknown = (): string => {
  throw new Error("uv_os_homedir returned ENOENT");
};

test.each<[string, Record<string, string>, () => string, string | undefined]>([
  ["a user with HOME", { HOME: "/home/a" }, unknown, "/home/a"],
  ["one whom the system knows", {}, () => "/home/b", undefined],
  ["one whom nobody knows", {}, unknown, "/"],
  ["one whose HOME is empty", { HOME: "" }, unknown, "/"],
])("%s", (_, env, home, expected) => {
  ensureHome(env, home);
  expect(env["HOME"]).toBe(expected!);
});
