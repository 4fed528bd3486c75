/** Who has a lease, as it is found in a file or in a document: it may be another program's, or have been mended by hand. */
import type { Holder } from "../../core/plugin/roles.ts";

/** Undefined: it isn't one. */
export function holderOf(found: unknown): Holder | undefined {
  if (typeof found !== "object" || found === null) return undefined;
  const { token, host, system, pid, since, startedAt } = found as Record<string, unknown>;
  const areTexts = [token, host, system, since, startedAt ?? ""].every((each) => typeof each === "string");
  return areTexts && token !== "" && Number.isInteger(pid) ? (found as Holder) : undefined;
}
