/** `log.file`: collects lines and writes them, and loses none of them at the process's end. */
import { MigrationError } from "../../core/errors.ts";
import { openRollingFile, type RollingFile, type RollingFileOptions } from "./rolling-file.ts";

const FLUSH_INTERVAL = 1000;
const BUFFER_CHARS = 64 * 1024;

/** Where a log's text ends up. */
export interface Sink {
  write(text: string): void;
  /** Writes what is still held back; may be called twice. */
  close(): Promise<void>;
}

/** What {@link fileSink} takes. */
export interface FileSinkOptions extends Pick<RollingFileOptions, "maxBytes" | "keep"> {
  /** Collects lines and writes them every second, in pieces of 64 KB, at close and when the process exits. */
  buffer: boolean;
  /** Told, once of each, that it can't be written; default: standard error. */
  complain?: (message: string) => void;
}

/**
 * Appends to a file, also across restarts: a migration that is taken up again goes on in the same log.
 * Throws CONFIG_INVALID when it can't be opened; a write that fails later is said once.
 */
export function fileSink(
  file: string,
  { buffer, complain = onStandardError, ...size }: FileSinkOptions,
): Sink {
  const said = new Set<string>();
  const target = openLog(file, { ...size, onStuck: (error) => say("moved to .1, it grows on", error) });
  let held: string[] = [];
  let heldChars = 0;
  let closed = false;

  /** The log itself can't say what is wrong with it; nor does a full disk end a migration. */
  function say(what: string, error: unknown): void {
    if (said.has(what)) return;
    said.add(what);
    complain(`log.file: ${file} can't be ${what}: ${reason(error)}`);
  }

  function flush(): void {
    if (held.length === 0) return;
    const text = held.join("");
    held = [];
    heldChars = 0;
    try {
      target.append(text);
    } catch (error) {
      say("written, lines are lost", error);
    }
  }

  const timer = buffer ? setInterval(flush, FLUSH_INTERVAL) : undefined;
  timer?.unref();
  process.on("exit", flush);
  // Deno has no exit event after an error nobody caught.
  process.on("uncaughtExceptionMonitor", flush);

  return {
    write(text) {
      if (closed) return;
      held.push(text);
      heldChars += text.length;
      if (!buffer || heldChars >= BUFFER_CHARS) flush();
    },
    async close() {
      if (closed) return;
      flush();
      closed = true;
      clearInterval(timer);
      process.off("exit", flush);
      process.off("uncaughtExceptionMonitor", flush);
      target.close();
    },
  };
}

function onStandardError(message: string): void {
  process.stderr.write(`${message}\n`);
}

function openLog(file: string, options: RollingFileOptions): RollingFile {
  try {
    return openRollingFile(file, options);
  } catch (cause) {
    throw new MigrationError(
      "CONFIG_INVALID",
      `log.file: ${file} can't be opened for writing: ${reason(cause)}`,
      {
        hint: "give log.file a path that can be written, or leave it empty for standard output",
        cause,
      },
    );
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}
