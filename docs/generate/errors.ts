/** The page of errors: every code, what it means, where it comes from, what to do. */
import { ERROR_ADVICE } from "../../core/error-advice.ts";
import { CODES, type ErrorCode } from "../../core/error-codes.ts";
import { code, GENERATED, table } from "./markdown.ts";

const INTRODUCTION = `An error is one line \`error [CODE] what happened: where\` and one line \`hint:\` with what to do; both are in
\`log.file\` too. \`--set log.level=debug\` adds the stack. \`nimo-shake help CODE\` shows an entry of this page.

Exit codes: 0 done, 1 the migration failed, 2 refused before the start, 3 \`verify\` found differences, 130 and 143 stopped by SIGINT
and SIGTERM with its state saved. With 1 and 2 nothing is lost: what was saved is right, and the next start goes on from there. But for
\`STREAM_GAP\`: it says what the target misses, and the next start ends alike unless \`on_gap = resync\` is set.`;

/** The page. */
export function errorsPage(): string {
  const entries = Object.entries(CODES) as [ErrorCode, (typeof CODES)[ErrorCode]][];
  const overview = table(
    ["code", "exit", "meaning"],
    entries.map(([name, { exit, meaning }]) => [
      `[${code(name)}](#${name.toLowerCase()})`,
      String(exit),
      meaning,
    ]),
  );
  const sections = entries.map(([name, { exit, meaning }]) => {
    const { cause, remedy } = ERROR_ADVICE[name];
    return `## ${name}\n\nExit code ${exit}: ${meaning}.\n\n- **Cause:** ${cause}\n- **What to do:** ${remedy}`;
  });
  return `# Errors\n\n${GENERATED}\n\n${INTRODUCTION}\n\n${overview}\n\n${sections.join("\n\n")}\n`;
}
