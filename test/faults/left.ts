/** What a run must not leave behind. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Names of what is there while a run or a save goes on, and only then. */
const TEMPORARY = /\.pid$|\.sock$|\.part$|-verify$|^drafts\./;

/** Files and folders of the kind, anywhere in a folder. */
export function filesLeft(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => TEMPORARY.test(name))
    .map(({ parentPath, name }) => `left behind: ${join(parentPath, name)}`);
}

/** Processes of the tool that have to do with a folder, where the system tells of them. */
export function processesLeft(folder: string): string[] {
  const left: string[] = [];
  for (const pid of processes()) {
    const command = textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    const isTool = command.includes(`${folder}/`) && command.includes("nimo-shake.conf");
    if (isTool) left.push(`left behind: process ${pid}: ${command}`);
  }
  return left;
}

function processes(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // it has ended
  }
}
