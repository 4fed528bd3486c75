/**
 * Makes one HTML text of the page, which bin/http/page-built.ts holds: `bun run page`.
 *
 * A module with a text is what Bun, Node, Deno, the npm package and the executable all load.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const HERE = import.meta.dirname;
const BUILT = join(HERE, "../http/page-built.ts");

/** The module's text: the same for the same sources, packages and Bun. */
export async function buildPage(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(HERE, "main.ts")],
    target: "browser",
    format: "iife",
    minify: true,
    // as little of a machine as can be is in it
    root: HERE,
    env: "disable",
  });
  // Nothing in a script may look like its end.
  const script = (await outputs[0]!.text()).trim().replaceAll("</script", String.raw`<\/script`);
  const plots = readFileSync(join(HERE, "../../node_modules/uplot/dist/uPlot.min.css"), "utf8");
  const style = `${plots.trim()}\n${compact(readFileSync(join(HERE, "style.css"), "utf8"))}`;
  const html = compact(readFileSync(join(HERE, "index.html"), "utf8"))
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("</body>", () => `<script>${script}</script></body>`);
  return [
    "/** The page at `/`, made by bin/page/build.ts of what is in bin/page: not to be changed by hand. */",
    "",
    "/** The document. */",
    `export const PAGE =\n  ${literal(html)};`,
    "/** Of its script and its style, as a Content-Security-Policy names them. */",
    `export const HASHES = {\n  script: "${hashOf(script)}",\n  style: "${hashOf(style)}",\n};`,
    "",
  ].join("\n");
}

/** A text as the formatter wants it: most of its quotes are double ones. */
function literal(text: string): string {
  const inner = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`);
  return `'${inner}'`;
}

/** Without indentation and comments. */
function compact(text: string): string {
  return text
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/^\s+/gm, "")
    .trim();
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

if (import.meta.main) writeFileSync(BUILT, await buildPage());
