/** What a release's archives have beside the executable. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildInfo } from "../build-info.ts";
import { createCommandLine } from "../commands/all.ts";
import { bashCompletion } from "../help/bash.ts";
import { describeCommandLine } from "../help/description.ts";
import { fishCompletion } from "../help/fish.ts";
import { manPage } from "../help/man.ts";
import { zshCompletion } from "../help/zsh.ts";
import type { ArchiveFile } from "./archive.ts";
import { ROOT } from "./made-from.ts";

/** Files that are the same for every machine, by their names in an archive. */
export function contents(build: BuildInfo, notices: string): ArchiveFile[] {
  const line = describeCommandLine(createCommandLine());
  const copy = (path: string): Buffer => readFileSync(join(ROOT, path));
  return [
    { name: "LICENSE", data: copy("LICENSE") },
    { name: "THIRD-PARTY-NOTICES", data: Buffer.from(notices) },
    { name: "README.md", data: copy("README.md") },
    { name: "CHANGELOG.md", data: copy("CHANGELOG.md") },
    { name: "nimo-shake.conf", data: copy("examples/nimo-shake.conf") },
    { name: "nimo-shake.1", data: Buffer.from(manPage(line, build)) },
    { name: "completions/nimo-shake.bash", data: Buffer.from(bashCompletion(line)) },
    { name: "completions/_nimo-shake", data: Buffer.from(zshCompletion(line)) },
    { name: "completions/nimo-shake.fish", data: Buffer.from(fishCompletion(line)) },
  ];
}
