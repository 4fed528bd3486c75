/** `bun run docs:picture`: terminal.svg, the README's picture, of a migration that happens now. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stopSharedServers } from "../test/servers/shared.ts";
import { session } from "./generate/session.ts";
import { terminalSvg } from "./generate/terminal-svg.ts";

const COLUMNS = 96;

try {
  const lines = await session({ id: "shop", columns: COLUMNS });
  writeFileSync(join(import.meta.dirname, "terminal.svg"), terminalSvg(lines, COLUMNS));
  process.stdout.write(`${lines.map((line) => line.map(({ text }) => text).join("")).join("\n")}\n`);
} finally {
  await stopSharedServers();
}
