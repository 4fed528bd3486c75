/** Several ways to the same thing, the first that works is taken. */
import { message, NOT_FOUND, TRIED } from "./command.ts";

/** A way to get something. Both steps fail with the reason, or give undefined when there is nothing to say. */
export interface Way<T> {
  /** As it stands in an error message. */
  name: string;
  /** What is here already: installed, or fetched before. */
  have?(): Promise<T | undefined>;
  /** Brings it here. */
  fetch?(): Promise<T | undefined>;
}

/**
 * What is here already, in the order of the ways; else the first that can be fetched. Fails with a list of what was
 * tried, why it failed, and `hint`: what to set.
 */
export async function firstOf<T>(what: string, hint: string, ways: Way<T>[]): Promise<T> {
  const reasons = new Map<string, string>();
  for (const step of ["have", "fetch"] as const) {
    for (const way of ways) {
      try {
        const found = await way[step]?.();
        if (found !== undefined) return found;
        reasons.set(way.name, reasons.get(way.name) ?? NOT_FOUND);
      } catch (error) {
        reasons.set(way.name, message(error));
      }
    }
  }
  const tried = [...reasons].map(([name, why]) => `  ${name}: ${why}`).join("\n");
  throw new Error(`no ${what}${TRIED}\n${tried}\n${hint}`);
}
