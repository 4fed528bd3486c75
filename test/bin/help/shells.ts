/** Real shells, in which a line is typed and completed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SHELLS } from "../../../bin/help/description.ts";

/** The shells that completion is for. */
export type Shell = (typeof SHELLS)[number];

const TAB = "\t";
/** What a shell is waited for, in ms. */
const PATIENCE = 20_000;

/** A shell on a terminal of its own, which has loaded a completion. */
export interface Typing extends AsyncDisposable {
  /** The words of a line after it was completed, and run by a command that says them. */
  complete(line: string): Promise<string>;
}

/** How a shell is started, and told to load what is in the folder. */
const START: Readonly<Record<Shell, { args: string[]; load: string; says: string }>> = {
  bash: {
    args: ["--norc", "--noprofile", "-i"],
    load: "bind 'set bell-style none' 'set enable-bracketed-paste off'; source completion",
    says: `nimo-shake() { printf '<%s>\\n' "$*"; }`,
  },
  zsh: {
    args: ["-f", "-i"],
    load: "unsetopt beep zle_bracketed_paste; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D",
    says: `nimo-shake() { printf '<%s>\\n' "$*"; }`,
  },
  fish: {
    args: ["--no-config", "-i"],
    load: "function fish_prompt; end; source completion",
    says: `function nimo-shake; printf '<%s>\\n' "$argv"; end`,
  },
};

/** Starts one, in a folder with a file `some.conf`. */
export async function typing(shell: Shell, completion: string): Promise<Typing> {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-shell-"));
  writeFileSync(join(folder, "completion"), completion);
  mkdirSync(join(folder, "functions"));
  writeFileSync(join(folder, "functions/_nimo-shake"), completion);
  writeFileSync(join(folder, "some.conf"), "");
  let shown = "";
  const decoder = new TextDecoder();
  const { args, load, says } = START[shell];
  const child = Bun.spawn([shell, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, TERM: "dumb", LC_ALL: "C.UTF-8" },
    terminal: {
      cols: 200,
      rows: 50,
      data: (_, bytes) => void (shown += decoder.decode(bytes, { stream: true })),
    },
  });
  const answer = async (keys: string, pattern: RegExp): Promise<string> => {
    const from = shown.length;
    child.terminal!.write(keys);
    for (const end = Date.now() + PATIENCE; Date.now() < end; await Bun.sleep(20)) {
      const found = pattern.exec(shown.slice(from))?.[1];
      if (found !== undefined) return found;
    }
    throw new Error(`${shell}: no answer to ${JSON.stringify(keys)}: ${JSON.stringify(shown.slice(from))}`);
  };
  await answer(`${says}\n${load}\nnimo-shake ready\n`, /(?<!printf ')<(ready)>/);
  return {
    complete: (line) => answer(`${line}${TAB}\n`, /<([^%>]*)>/),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
