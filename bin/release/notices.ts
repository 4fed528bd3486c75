/** The licences of what is compiled into the executable, whose texts have to come with it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compiledPackages } from "./compiled-packages.ts";
import { ROOT } from "./made-from.ts";

const TEXTS = /^(licen[cs]e|notice|copying)\b/i;
const RULE = "-".repeat(80);

/** The text of `THIRD-PARTY-NOTICES`: every package once, with what its folder has of licences. */
export async function notices(): Promise<string> {
  const texts = new Map<string, string>();
  for (const { path, manifest } of await compiledPackages(ROOT)) {
    const { name, version, license } = manifest as typeof manifest & { license?: string };
    const files = readdirSync(join(ROOT, path)).filter((file) => TEXTS.test(file));
    const found = files.toSorted().map((file) => readFileSync(join(ROOT, path, file), "utf8").trim());
    texts.set(`${name} ${version}`, [`Licence: ${license ?? "see below"}`, ...found].join("\n\n"));
  }
  return [
    "nimo-shake's executable holds Bun (https://github.com/oven-sh/bun, its licences in LICENSE.md there) and these packages.",
    ...[...texts].map(([title, text]) => `${RULE}\n${title}\n\n${text}`),
    "",
  ].join("\n\n");
}
