/** Rights that are missing, as problems where this configuration can't do without them. */
import { fewOf } from "../progress/quantities.ts";
import type { ErrorCode } from "../errors.ts";
import type { Inspection, Right } from "../plugin/roles.ts";
import { type Plan, type Problem } from "./plan.ts";

/** A role that was asked. */
export type Asked = Plan["rights"][number]["side"];

const CODES: Record<Asked, ErrorCode> = {
  source: "SOURCE_DENIED",
  target: "TARGET_DENIED",
  checkpoint: "CHECKPOINT_FAILED",
};

/** What several roles of a side have said. */
export function rightsOf(side: Asked, inspections: (Inspection | undefined)[]): Plan["rights"] {
  return inspections.flatMap((each) => each?.rights.map((right) => ({ ...right, side })) ?? []);
}

/** A problem for all that is missing on the same things for the same purpose. */
export function missingRights(rights: Plan["rights"]): Problem[] {
  const groups = new Map<string, Plan["rights"]>();
  for (const right of rights) {
    if (right.state !== "missing" || !right.isNeeded) continue;
    const key = JSON.stringify([right.side, right.on, right.purpose]);
    groups.set(key, [...(groups.get(key) ?? []), right]);
  }
  return [...groups.values()].map((group): Problem => {
    const { side, on, purpose, why } = group[0]!;
    const actions = fewOf(group.map(({ action }) => action));
    const because = why === undefined ? "" : `, ${why}`;
    return {
      code: CODES[side],
      message: `not granted, and needed to ${purpose}: ${actions} on ${fewOf(on)}${because}`,
      hint: hintFor(side, group[0]!),
      refuses: true,
    };
  });
}

function hintFor(side: Asked, { action, on }: Right): string {
  if (action.startsWith("dynamodb:")) return `allow these actions to the ${side}'s credentials`;
  if (action === "write") return "see that the folder can be written to, or set another one";
  return `grant the user readWrite and dbAdmin on database ${on.join(", ")}`;
}
