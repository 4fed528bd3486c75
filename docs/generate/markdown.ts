/** Pieces of Markdown. */

/** What every generated page begins with, below its title. */
export const GENERATED = "<!-- made by `bun run docs`: change the source, not this page -->";

/** A text as inline code; nothing for an empty one. */
export const code = (text: string): string => (text === "" ? "" : `\`${text}\``);

/** A text that can stand in a table's cell. */
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** A table, its columns as wide as what is in them, as the formatter has it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(cell));
  const widths = head.map((_, i) => Math.max(3, ...all.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, i) => text.padEnd(widths[i]!)).join(" | ")} |`;
  return [
    line(all[0]!),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...all.slice(1).map(line),
  ].join("\n");
}
