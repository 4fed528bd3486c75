/** The README's picture of a terminal shows what a migration says today. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { session } from "../../docs/generate/session.ts";

const FILE = join(import.meta.dirname, "../../docs/terminal.svg");
const MINUTE = 60_000;

/** Lines are broken in the midst of words, where the window ends: with nothing between them words are whole. */
const compact = (text: string): string => text.replaceAll(/[^a-z]/gi, "");
const words = (text: string): string[] => [...new Set(text.match(/[a-z]{3,}/gi))];

test(
  "the picture's words are those of a run and a verify: bun run docs:picture",
  async () => {
    const id = `picture-${process.pid}`;
    const lines = await session({ id, prefix: `${id}-`, most: 500, columns: 1000 });
    const said = lines
      .map((line) => line.map(({ text }) => text).join(""))
      .join("\n")
      .replaceAll(`${id}-checkpoint`, "shop-checkpoint")
      .replaceAll(`${id}-`, "")
      .replaceAll(id, "shop");
    const drawn = [...readFileSync(FILE, "utf8").matchAll(/<text.*<\/text>/g)]
      .map(([line]) => line.replaceAll(/<[^>]*>/g, " "))
      .join("\n");
    expect(words(said).filter((word) => !compact(drawn).includes(word))).toEqual([]);
    expect(words(drawn).filter((word) => !compact(said).includes(word))).toEqual([]);
    expect(drawn).toContain("source and target are equal");
    expect(drawn.split("\n").filter((line) => /^ *[|│]/.test(line)).length).toBeGreaterThan(8);
  },
  2 * MINUTE,
);
