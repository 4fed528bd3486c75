/** What a migration has left somewhere, for a person to read, and how it is removed. */

/** Where it is. */
export type Side = "source" | "target" | "local" | "checkpoint";

/** One thing that was left. */
export interface Leftover {
  side: Side;
  /** In words: `the stream of table orders`. */
  what: string;
  /** Its name there: an identifier, a path. */
  where: string;
  /** Undefined: it is to be removed; else why it isn't. */
  stays?: string;
  /** Removes it for good; what is gone already is no error. */
  remove(): Promise<void>;
}
