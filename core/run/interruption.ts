/** The signal of a program that runs the library, as the reason that a run ends with. */
import { MigrationError } from "../errors.ts";

/** A signal whose reason is an error of ours, for as long as it isn't forgotten. */
export function interruption(outer: AbortSignal | undefined): { signal: AbortSignal; forget: () => void } {
  const stop = new AbortController();
  const abort = (): void =>
    stop.abort(
      new MigrationError("INTERRUPTED", "the caller's signal stopped the run", {
        cause: outer?.reason,
        hint: "run it again in the same way: it goes on where it stopped",
      }),
    );
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort, { once: true });
  return { signal: stop.signal, forget: () => outer?.removeEventListener("abort", abort) };
}
