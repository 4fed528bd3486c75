/** What a kind of benchmark is: it opens its servers, and gives one turn after the other. */
import type { Options } from "./command-line.ts";
import type { Words } from "./measures.ts";
import type { Report, Target, Turn } from "./report.ts";

/** Its servers run. */
export interface Session extends AsyncDisposable {
  /** Whose figures stand beside each other. */
  sides: string[];
  /** What the tool is given. */
  conf: Record<string, string>;
  /** Such as `MongoDB 6.0.5`. */
  mongod?: string;
  /**
   * Each side once.
   *
   * @param run 0 is the warm-up; sides take turns in going first
   */
  turn(run: number): Promise<Turn>;
  /** The same over more items. */
  growth?(items: number): Promise<Turn>;
  /** What is looked at once, at the end. */
  once?(): Promise<Target[]>;
}

/** See the top of the file. */
export interface Kind {
  words: Words;
  open(options: Options, signal: AbortSignal): Promise<Session>;
  /** What its figures should be. */
  targets(report: Report): Target[];
}

/** The sides of a turn, another one first each time: who goes second finds a busier disk. */
export async function takeTurns(run: number, sides: Record<string, () => Promise<void>>): Promise<void> {
  const names = Object.keys(sides);
  for (let at = 0; at < names.length; at++) await sides[names[(at + run) % names.length]!]!();
}
