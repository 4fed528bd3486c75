/** The target's contract. */
import type { ContractCase } from "./case.ts";
import { applyCases } from "./target-apply.ts";
import type { TargetContract } from "./target-options.ts";
import { placeCases } from "./target-place.ts";
import { restCases } from "./target-rest.ts";
import { storedCases } from "./target-stored.ts";
import { resumeCases } from "./target-resume.ts";
import { writeCases } from "./target-write.ts";

/** What a target promises, as cases for a test framework. */
export function targetContract(options: TargetContract): ContractCase[] {
  return [placeCases, writeCases, resumeCases, applyCases, storedCases, restCases].flatMap((cases) =>
    cases(options),
  );
}
