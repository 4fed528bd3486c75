/** A release has one version, wherever it stands. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { ROOT } from "./made-from.ts";

/**
 * Looks whether all agree.
 *
 * @param tag that the release is made from, such as v1.2.3
 * @throws Error when one is another
 */
export function checkVersion(tag: string | undefined): void {
  const deno = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { version: string };
  if (deno.version !== pkg.version)
    throw new Error(`deno.json has version ${deno.version}, package.json ${pkg.version}`);
  if (tag !== undefined && tag !== `v${pkg.version}`)
    throw new Error(`the tag ${tag} isn't that of version ${pkg.version} in package.json`);
}
