/** What a migration has left, as `clean` shows it. */
import type { Leftover } from "../../core/run/leftover.ts";
import type { Fields } from "../log/entry.ts";
import { oneLine } from "../log/plain-text.ts";

/** A line: a message, and what it is about. */
type Line = Fields & { message: string };

const WIDTH = "checkpoint".length;

/**
 * The list, and what its removal would mean.
 *
 * @param unfinished why the migration isn't over; undefined: it is
 */
export function leftText(id: string, found: readonly Leftover[], unfinished: string | undefined): string {
  const lines = found.map(
    ({ side, what, where, stays }) =>
      `  ${side.padEnd(WIDTH)}  ${what}: ${oneLine(where)}${stays === undefined ? "" : `; it stays, ${stays}`}`,
  );
  return [
    `left by the migration ${id}:`,
    ...lines,
    "the copy itself stays, and so do the log and streams that were there before",
    ...(unfinished === undefined
      ? []
      : [
          `the migration isn't over, ${unfinished}: without its checkpoint it can't be gone on with, and a new start copies all of it again`,
        ]),
  ].join("\n");
}

/** The list for programs, and what isn't over. */
export function leftObjects(found: readonly Leftover[], unfinished: string | undefined): Line[] {
  return [
    ...found.map(({ side, what, where, stays }) => ({
      message: "left by the migration",
      side,
      what,
      where,
      stays: stays ?? null,
    })),
    ...(unfinished === undefined ? [] : [{ message: "the migration isn't over", reason: unfinished }]),
  ];
}

/** One that is removed, for programs. */
export function removedObject({ side, what, where }: Leftover): Line {
  return { message: "removed", side, what, where };
}

/** One that is removed. */
export function removedText({ what, where }: Leftover): string {
  return `removed ${what}: ${oneLine(where)}`;
}

/** The last line. */
export function stillThere(count: number): string {
  return count === 0 ? "all of it is removed" : `${count} stay${count === 1 ? "s" : ""}, as the list says`;
}
