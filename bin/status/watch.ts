/** `status --watch`: a look after the other, until it is stopped. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import { toMigrationError } from "../../core/errors.ts";
import type { StatusDocument } from "../../core/run/status-document.ts";
import type { Output } from "../log/log.ts";
import { oneLine } from "../log/plain-text.ts";
import { statusLines } from "./text.ts";

const SECOND = 1000;
/** Between two blocks where there is no terminal. */
const BLOCKS = 5 * SECOND;
/** Lines of a status beside those of tables and shards. */
const AROUND = 20;

/** What {@link watchStatus} takes. */
export interface WatchOptions {
  look: () => Promise<StatusDocument>;
  /** An object a line. */
  json: boolean;
  stream: Output;
  /** Hides secrets in what a look fails with; what it brings has none. */
  redact: (text: string) => string;
  /** Says on standard error what a look fails with. */
  fail: (error: unknown) => void;
  signal: AbortSignal;
}

/**
 * Goes on until the signal aborts; that the process ends, begins, or that the checkpoint is away for a while, is shown.
 *
 * @throws MigrationError what the first look fails with
 */
export async function watchStatus({ look, json, stream, redact, fail, signal }: WatchOptions): Promise<void> {
  const draws = !json && stream.isTTY === true && process.env["TERM"] !== "dumb";
  const update = draws ? createLogUpdate(stream as NodeJS.WritableStream, { showCursor: true }) : undefined;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const began = Date.now();
    let status: StatusDocument | undefined;
    let failure = "";
    try {
      status = await look();
    } catch (error) {
      if (isFirst) throw error;
      const { code, message } = toMigrationError(error);
      failure = oneLine(redact(`error [${code}] ${message}`));
      // On standard output is JSON and nothing else.
      if (json) fail(error);
    }
    if (signal.aborted) break;
    const text =
      status === undefined ? failure : json ? JSON.stringify(status) : fitted(status, draws ? stream : {});
    if (update !== undefined) update(text);
    else if (!json || status !== undefined) stream.write(`${text}\n${json ? "" : "\n"}`);
    const pause = (draws || json ? SECOND : BLOCKS) - (Date.now() - began);
    await sleep(Math.max(0, pause), undefined, { signal }).catch(() => {});
  }
  update?.done();
}

/** As many tables and shards as there is room for. */
function fitted(status: StatusDocument, { rows, columns }: { rows?: number; columns?: number }): string {
  if (rows === undefined || columns === undefined) return statusLines(status).join("\n");
  const room = Math.max(2, rows - AROUND);
  const tables = Math.max(1, Math.min(status.tables.length, Math.ceil(room / 2)));
  const lines = statusLines(status, { tables, shards: Math.max(0, room - tables), width: columns - 1 });
  return lines
    .slice(0, Math.max(1, rows - 1))
    .map((line) => line.slice(0, Math.max(1, columns - 1)))
    .join("\n");
}
