/**
 * `nimo-shake/test`: what a plugin that fills a role has to do, as cases for any test framework.
 *
 * @example
 * ```ts
 * import { test } from "node:test";
 * import { checkpointContract } from "nimo-shake/test";
 * import plugin from "./my-checkpoint.ts";
 *
 * for (const { name, run } of checkpointContract({ plugin, makePlace })) test(name, run);
 * ```
 */
export type { ContractCase, ContractPlace } from "./case.ts";
export { checkpointContract, type CheckpointContract, type CheckpointPlace } from "./checkpoint.ts";
export { targetContract } from "./target.ts";
export type { TargetAbilities, TargetContract, TargetPlace } from "./target-options.ts";
export { sourceContract } from "./source.ts";
export type { SourceContract, SourcePlace } from "./source-options.ts";
