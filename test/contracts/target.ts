/** The target's contract. */
import type { ContractCase } from "./case.ts";
import { applyCases } from "./target-apply.ts";
import type { TargetContract } from "./target-options.ts";
import { placeCases } from "./target-place.ts";
import { restCases } from "./target-rest.ts";
import { storedCases } from "./target-stored.ts";
import { resumeCases } from "./target-resume.ts";
import { writeCases } from "./target-write.ts";

/**
 * What a target promises, as cases for a test framework.
 *
 * @example
 * ```ts
 * import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
 * import { test } from "node:test";
 * import { targetContract } from "nimo-shake/test";
 * import plugin from "./ndjson.ts";
 *
 * const makePlace = async () => {
 *   const folder = mkdtempSync("target-");
 *   const linesOf = (name: string): unknown[] =>
 *     readFileSync(`${folder}/${name}`, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line));
 *   return {
 *     settings: { "convert.type": "raw", "plugin.ndjson.folder": folder },
 *     read: async ({ targetName }: { targetName: string }) =>
 *       readdirSync(folder).filter((name) => name === `${targetName}.ndjson`).flatMap(linesOf),
 *     kept: async ({ targetName }: { targetName: string }) =>
 *       readdirSync(folder).filter((name) => name.startsWith(`${targetName}.ndjson.`)).flatMap(linesOf),
 *     [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
 *   };
 * };
 * const expected = (item: object): unknown => item;
 * for (const { name, run } of targetContract({ plugin, makePlace, can: { rename: true }, expected })) test(name, run);
 * ```
 */
export function targetContract(options: TargetContract): ContractCase[] {
  return [placeCases, writeCases, resumeCases, applyCases, storedCases, restCases].flatMap((cases) =>
    cases(options),
  );
}
