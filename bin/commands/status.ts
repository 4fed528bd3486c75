/** The command `status`: what the checkpoints and the running process say. */
import { withStrings } from "../../core/config/redact.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { CAC } from "cac";
import { openStatus } from "../../core/run/status.ts";
import type { StatusDocument } from "../../core/run/status-document.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { besideLog } from "../log/in-log.ts";
import type { Log } from "../log/log.ts";
import { type Flags, setUp, type Setup } from "../setup.ts";
import { createLook } from "../status/look.ts";
import { statusLines } from "../status/text.ts";
import { watchStatus } from "../status/watch.ts";
import { flagsOf, type Options, withConfiguration } from "./options.ts";

/** What isn't closed within so long after a signal isn't waited for, in ms. */
const CLOSING = 300;

/** How it is told. */
interface How {
  watch: boolean;
  json: boolean;
}

/** Adds it to the command line. */
export function addStatus(cli: CAC): void {
  withConfiguration(cli.command("status", "Tells where the migration stands, whether it runs or not"))
    .option("--watch", "Goes on telling, until it is stopped")
    .option("--json", "Gives it as JSON on standard output, with --watch an object a line")
    .example("nimo-shake status -c nimo-shake.conf --watch")
    .action((options: Options) =>
      status(flagsOf(options), { watch: options.watch === true, json: options.json === true }),
    );
}

/**
 * Prints where a migration stands; nothing is changed.
 *
 * @returns the exit code
 * @throws MigrationError when the configuration can't be used
 */
async function status(flags: Flags, how: How): Promise<number> {
  const setup = await setUp(flags);
  const level = setup.config["log.level"] === "debug" ? "debug" : "warn";
  return besideLog(setup, { level }, (output) => {
    const json = how.json || output.isJson;
    return how.watch ? watched(setup, json, output) : shown(setup, json, output);
  });
}

/** Goes on until a signal: what hangs then isn't waited for, as nothing is left to be saved. */
async function watched(setup: Setup, json: boolean, output: Log): Promise<number> {
  const signal = stopped();
  const ended = new Promise<void>((resolve) => void signal.addEventListener("abort", () => resolve()));
  const watching = shown(setup, json, output, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return 0;
  });
  return Promise.race([watching, ended.then(() => sleep(CLOSING, 0))]);
}

/** @param signal goes on telling until it aborts */
async function shown(
  { config, redact, migration }: Setup,
  json: boolean,
  { log, fail }: Log,
  signal?: AbortSignal,
): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const reader = cleanup.use(await openStatus({ ...migration, config, builtins: builtinPlugin, log }));
  const take = createLook(config, reader);
  // String by string: what looks like an address may end in another one.
  const look = async (): Promise<StatusDocument> => withStrings(await take(), redact);
  if (signal === undefined) {
    const found = await look();
    const { isTTY, columns } = process.stdout;
    const width = isTTY && columns > 0 ? columns : undefined;
    process.stdout.write(`${json ? JSON.stringify(found) : statusLines(found, { width }).join("\n")}\n`);
    return 0;
  }
  await watchStatus({ look, json, stream: process.stdout, redact, fail, signal });
  return 0;
}

/**
 * Aborts on SIGINT and SIGTERM, and when nobody reads any more: for who watches that is how it ends. A second signal ends
 * the process.
 */
function stopped(): AbortSignal {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => (stop.signal.aborted ? process.exit(0) : end()));
  }
  process.stdout.on("error", end);
  return stop.signal;
}
