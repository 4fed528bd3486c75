/**
 * `nimo-shake/test`: what a plugin that fills a role has to do, as cases for any test framework.
 *
 * A case makes a place of its own by the author's `makePlace`, sets the plugin up there as often as processes would,
 * and removes the place. Give a case a minute: some write thousands of items.
 *
 * @example
 * ```ts
 * import { test } from "node:test";
 * import { targetContract } from "nimo-shake/test";
 * import plugin from "./my-target.ts";
 *
 * const can = { apply: true, resume: true };
 * for (const { name, run } of targetContract({ plugin, makePlace, can, expected })) test(name, run);
 * ```
 */
export type { ContractCase, ContractPlace } from "./case.ts";
export { checkpointContract, type CheckpointContract, type CheckpointPlace } from "./checkpoint.ts";
export { sourceContract } from "./source.ts";
export type { SourceContract, SourcePlace } from "./source-options.ts";
export { targetContract } from "./target.ts";
export type { TargetAbilities, TargetContract, TargetPlace } from "./target-options.ts";
