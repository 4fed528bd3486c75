/** A configuration file, written whole or not at all; it has secrets in it. */
import { randomUUID } from "node:crypto";
import { linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { MigrationError } from "../../core/errors.ts";

/**
 * Writes a file that only its user can read.
 *
 * @param over whether one that is there is replaced
 * @throws MigrationError CONFIG_INVALID: it can't be written, or is there
 */
export function writeConf(path: string, text: string, over: boolean): void {
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, text, { flag: "wx", mode: 0o600 });
    if (over) renameSync(draft, path);
    else place(draft, path, text);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") throw alreadyThere(path);
    throw new MigrationError("CONFIG_INVALID", `${path} can't be written: ${code ?? message}`, {
      cause,
      hint: "see that its folder is there and can be written to, or give another path",
    });
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The error for a file that nobody wants to lose. */
export function alreadyThere(path: string): MigrationError {
  return new MigrationError("CONFIG_INVALID", `${path} is there already, and is left as it is`, {
    hint: "give another path, or --force to write over it",
  });
}

/** Gives it its name unless somebody else has it by now. */
function place(draft: string, path: string, text: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
    // Some file systems have no links.
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  }
}
