/** `<id>-skipped.jsonl`: records that an `error` hook wanted left out, one a line, on the disk before the run goes on. */
import type { FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { MigrationError } from "../errors.ts";
import { openPrivate } from "../host/durable-files.ts";
import type { Skip } from "../plugin/context.ts";

/** See the top of the file. */
export interface SkippedFile extends AsyncDisposable {
  readonly path: string;
  /**
   * Resolves when the records are on the disk.
   *
   * @throws MigrationError SKIP_FAILED
   */
  write(skip: Skip): Promise<void>;
}

/**
 * The file of a migration in the working folder; it is made when there is something to write, and added to.
 *
 * @param redact hides secrets in what is said of the failure; the records are as they are
 */
export function skippedFile(id: string, redact: (text: string) => string): SkippedFile {
  const path = resolve(`${id}-skipped.jsonl`);
  let opened: Promise<FileHandle> | undefined;
  let before: Promise<void> = Promise.resolve();

  async function append(text: string): Promise<void> {
    try {
      const file = await (opened ??= openPrivate(path, "a"));
      await file.appendFile(text);
      await file.datasync();
    } catch (cause) {
      const what = `records to be left out can't be kept, ${(cause as Error).message}: ${path}`;
      throw new MigrationError("SKIP_FAILED", what, {
        cause,
        hint: "make room or see to the rights, then start again: nothing was left out that isn't in the file",
      });
    }
  }

  return {
    path,
    write(skip) {
      const text = lines(skip, redact);
      const writing = before.then(() => append(text));
      before = writing.catch(() => {});
      return writing;
    },
    async [Symbol.asyncDispose]() {
      await before;
      const file = await opened?.catch(() => undefined);
      opened = undefined;
      await file?.close();
    },
  };
}

function lines({ stage, batch: { unit, records }, error }: Skip, redact: (text: string) => string): string {
  const why = {
    time: new Date().toISOString(),
    table: unit.table.name,
    phase: unit.phase,
    stage,
    code: error.code,
    error: redact(error.message),
  };
  return records
    .map(({ op, event, keys, item, oldItem, sequenceNumber }) =>
      JSON.stringify({ ...why, op, event, keys, item, oldItem, sequenceNumber }),
    )
    .map((line) => `${line}\n`)
    .join("");
}
