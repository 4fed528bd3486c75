/** The command line on a terminal: what it shows is read, and keys are typed. */
import { stripVTControlCharacters } from "node:util";
import { cliCommand } from "../cli.ts";
import { eventually } from "./eventually.ts";

const SECOND = 1000;

/** Keys that have no letter. */
export const KEYS = { enter: "\r", down: "\u001b[B", space: " ", interrupt: "\u0003" } as const;

/** A command that runs on a terminal. */
export interface OnTerminal extends AsyncDisposable {
  /** Waits until a text is shown that wasn't looked for before, then types. */
  after(text: string, ...keys: string[]): Promise<void>;
  /** All that was shown, without its colours and movements. */
  shown(): string;
  exited: Promise<number>;
}

/** Starts one in a folder. */
export function onTerminal(args: string[], folder: string, env: Record<string, string> = {}): OnTerminal {
  let text = "";
  let seen = 0;
  const decoder = new TextDecoder();
  const child = Bun.spawn([...cliCommand(folder), ...args], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      TERM: "xterm-256color",
      AWS_EC2_METADATA_DISABLED: "true",
      ...env,
    },
    terminal: {
      cols: 120,
      rows: 40,
      data: (_, bytes) => void (text += decoder.decode(bytes, { stream: true })),
    },
  });
  const shown = (): string => stripVTControlCharacters(text);
  return {
    async after(wanted, ...keys) {
      await eventually(() => {
        const at = shown().indexOf(wanted, seen);
        if (at < 0) throw new Error(`"${wanted}" isn't shown: ${shown().slice(seen)}`);
        seen = at + wanted.length;
      }, 60 * SECOND);
      for (const key of keys) {
        child.terminal!.write(key);
        // A key that begins with an escape is told from the escape itself by what comes at once.
        await Bun.sleep(30);
      }
    },
    shown,
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    },
  };
}
