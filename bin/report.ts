/** A run's report: what is told of the run while it goes on, written when it has ended. */
import type { ConsolaInstance } from "consola";
import type { Config } from "../core/config/config.ts";
import { MigrationError, toMigrationError } from "../core/errors.ts";
import type { Progress } from "../core/progress/progress.ts";
import type { RunIdentity } from "../core/progress/run-status.ts";
import type { Outcome } from "../core/report/outcome.ts";
import { processUsage } from "../core/host/usage.ts";
import { makeReport, type ReportInput } from "../core/report/report.ts";
import { writeReport } from "../core/report/write.ts";
import type { Verdict } from "../core/verify/verify.ts";
import type { RecentLine } from "./log/recent.ts";

/** What {@link createReporter} takes. */
export interface ReporterOptions {
  config: Config;
  identity: RunIdentity;
  progress: Progress;
  log: ConsolaInstance;
  /** The last warnings and errors of the log. */
  recent: () => readonly RecentLine[];
  /** Hides secrets. */
  redact: (text: string) => string;
}

/** What a run ends with. */
export interface Finished {
  input: ReportInput;
  isWritten: boolean;
}

/** See the top of the file. */
export interface Reporter {
  /** The full phase of all tables is done. */
  fullDone(): void;
  verified(verdict: Verdict): void;
  /**
   * Writes the report; one that can't be written is a warning. What was refused before it began leaves the last one.
   *
   * @returns what the report was made from, and whether it is there
   */
  finish(outcome: Outcome): Promise<Finished>;
}

/** A run's. */
export function createReporter({
  config,
  identity,
  progress,
  log,
  recent,
  redact,
}: ReporterOptions): Reporter {
  let fullDoneAt: number | undefined;
  let verified: ReportInput["verified"];

  return {
    fullDone: () => void (fullDoneAt = Date.now()),
    verified: (verdict) => void (verified = { verdict, at: Date.now() }),
    async finish(outcome) {
      const input: ReportInput = {
        identity,
        config,
        progress,
        outcome,
        endedAt: Date.now(),
        fullDoneAt,
        verified,
        runtime: runtime(),
        usage: processUsage(),
        warnings: recent(),
      };
      if (isRefusal(outcome, progress)) return { input, isWritten: false };
      const path = config["report.file"];
      try {
        await writeReport(path, makeReport(input), redact);
        return { input, isWritten: true };
      } catch (error) {
        // Behind the comma stands the name that it has while it is written.
        const [what] = (error as Error).message.split(", ");
        log.warn(`the report can't be written, ${what}: ${path}`);
        return { input, isWritten: false };
      }
    },
  };
}

/** How a run ended that threw. */
export function failure(error: unknown): Outcome {
  const { code, message, hint = null } = toMigrationError(error);
  return { kind: "failed", code, message, hint };
}

/** Nothing was begun, or it is another process's migration: its report counts. */
function isRefusal(outcome: Outcome, { phase }: Progress): boolean {
  if (outcome.kind !== "failed") return false;
  const { exit } = new MigrationError(outcome.code, outcome.message);
  return outcome.code === "ALREADY_RUNNING" || (exit === 2 && phase === "starting");
}

function runtime(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`;
}
