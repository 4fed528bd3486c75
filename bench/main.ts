/** A benchmark as a command: its help, its report, its targets as an exit code, and a clean end at a signal. */

/** What is asked of every benchmark. */
export interface MainFlags {
  help: boolean;
  json: boolean;
  check: boolean;
}

/** What {@link main} takes. */
export interface Benchmark<Report> {
  help: string;
  run: (signal: AbortSignal) => Promise<Report>;
  format: (report: Report) => string;
}

/** Enough for mongod to write as it would on a server of its own; the tests' half a gigabyte would be the brake. */
export const CACHE_GB = 2;

/** What is told while it runs. */
export const say = (text: string): void => console.error(text);

/** Runs it and prints what came of it. */
export async function main<Report extends { targets: { holds: boolean }[] }>(
  flags: MainFlags,
  { help, run, format }: Benchmark<Report>,
): Promise<void> {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => abort.abort(new Error(`stopped by ${name}`)));
  if (flags.help) {
    console.log(help);
    return;
  }
  try {
    const report = await run(abort.signal);
    console.log(flags.json ? JSON.stringify(report, undefined, 2) : format(report));
    if (flags.check && report.targets.some(({ holds }) => !holds)) process.exitCode = 1;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
