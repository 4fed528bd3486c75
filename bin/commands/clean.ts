/** The command `clean`: lists what the migration has left at both sides, and removes it. */
import type { CAC } from "cac";
import type { Config } from "../../core/config/config.ts";
import { toMigrationError } from "../../core/errors.ts";
import { runClean } from "../../core/run/clean.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { isTerminal, terminalAsker } from "../ask.ts";
import { leftObjects, leftText, removedObject, removedText, stillThere } from "../display/left.ts";
import { inLog } from "../log/in-log.ts";
import type { Log } from "../log/log.ts";
import { acquireAll } from "../pid-files.ts";
import { type Flags, type Setup, setUp } from "../setup.ts";
import { stopSignal } from "../stop-signal.ts";
import { flagsOf, type Options, withConfiguration } from "./options.ts";

/** Adds it to the command line. */
export function addClean(cli: CAC): void {
  withConfiguration(
    cli.command("clean", "Lists what the migration has left beside the copy, and removes it after a yes"),
  )
    .option("--yes", "Removes it without asking; without it, and without a terminal, it is only listed")
    .option(
      "--renamed",
      "Removes also what was at the target before and made room by target.db.exist = rename",
    )
    .example("nimo-shake clean -c nimo-shake.conf")
    .example("nimo-shake clean -c nimo-shake.conf --yes --renamed")
    .action((options: Options) =>
      clean(flagsOf(options), { yes: options.yes === true, renamed: options.renamed === true }),
    );
}

/** Somebody waits for it: a call that keeps failing is given up after so long, in ms. */
const PATIENCE = 30_000;

/** What is to be removed, and how. */
export interface CleanChoice {
  /** Nobody is asked. */
  yes: boolean;
  renamed: boolean;
}

/**
 * Lists what is left, and removes it if that is wanted.
 *
 * @returns the exit code: 0 too when the user says no
 * @throws MigrationError when the configuration can't be used
 */
export async function clean(flags: Flags, choice: CleanChoice): Promise<number> {
  const setup = await setUp(flags);
  const where = { stream: process.stderr, words: process.stdout };
  return inLog(setup, where, async (output) => {
    try {
      return await shown(setup, choice, output);
    } catch (error) {
      const { code, exit } = toMigrationError(error);
      if (code !== "INTERRUPTED") throw error;
      output.say({ text: "stopped" });
      return exit;
    }
  });
}

async function shown(
  { config, warnings, migration }: Setup,
  choice: CleanChoice,
  { log, isJson, say }: Log,
): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  for (const release of acquireAll(config.id, { log })) cleanup.defer(release);
  for (const warning of warnings) log.warn(warning);
  const { signal } = stopSignal(cleanup, log);
  const { left, removed } = await runClean({
    ...migration,
    builtins: builtinPlugin,
    config,
    log,
    signal,
    patience: PATIENCE,
    folder: ".",
    renamed: choice.renamed,
    async decide(found, unfinished) {
      say({ text: leftText(config.id, found, unfinished), objects: leftObjects(found, unfinished) });
      return wanted(config, choice, {
        some: found.some(({ stays }) => stays === undefined),
        unfinished,
        canAsk: !isJson && isTerminal(),
        say,
      });
    },
    onRemoved: (leftover) => say({ text: removedText(leftover), objects: [removedObject(leftover)] }),
  });
  if (left === 0) say({ text: `there is nothing left of the migration ${config.id} beside the copy` });
  else if (removed > 0) say({ text: stillThere(left - removed) });
  return 0;
}

async function wanted(
  { id }: Config,
  { yes }: CleanChoice,
  about: { some: boolean; unfinished: string | undefined; canAsk: boolean; say: Log["say"] },
): Promise<boolean> {
  if (!about.some || yes) return about.some;
  if (!about.canAsk) {
    about.say({ text: "nothing is removed: --yes removes it" });
    return false;
  }
  const question =
    about.unfinished === undefined
      ? `Remove what is left of the migration ${id}?`
      : `The migration ${id} isn't over, and can't be gone on with afterwards. Remove what is left of it all the same?`;
  const { confirm } = await terminalAsker();
  const is = await confirm({ message: question, initial: false });
  if (!is) about.say({ text: "nothing is removed" });
  return is;
}
