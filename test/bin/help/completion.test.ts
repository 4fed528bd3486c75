/** The completions, in the shells that this machine has. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createCommandLine } from "../../../bin/commands/all.ts";
import { bashCompletion } from "../../../bin/help/bash.ts";
import { type CommandLine, describeCommandLine } from "../../../bin/help/description.ts";
import { fishCompletion } from "../../../bin/help/fish.ts";
import { zshCompletion } from "../../../bin/help/zsh.ts";
import { type Shell, type Typing, typing } from "./shells.ts";

const LINE: CommandLine = describeCommandLine(createCommandLine());
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: bashCompletion(LINE),
  zsh: zshCompletion(LINE),
  fish: fishCompletion(LINE),
};

const LINES: [typed: string, completed: string][] = [
  ["veri", "verify"],
  ["verify --samp", "verify --sample"],
  ["verify -c some.conf --count-o", "verify -c some.conf --count-only"],
  ["--fre", "--fresh"],
  ["-c some.conf swi", "-c some.conf switchover"],
  ["run --set sync_m", "run --set sync_mode="],
  ["run --set sync_mode=fu", "run --set sync_mode=full"],
  ["run --set=sync_mode=in", "run --set=sync_mode=incr"],
  ["run --set id=a --set on_gap=res", "run --set id=a --set on_gap=resync"],
  ["set log.le", "set log.level="],
  ["set qps.full=9 log.level=deb", "set qps.full=9 log.level=debug"],
  ["set sync_m", "set sync_m"],
  ["run -c som", "run -c some.conf"],
  ["init som", "init some.conf"],
  ["run --plugin mas", "run --plugin mask"],
  ["run --plugin som", "run --plugin some.conf"],
  ["verify --timeo", "verify --timeo"],
  ["switchover --timeo", "switchover --timeout"],
  ["help clea", "help clean"],
  ["completion fi", "completion fish"],
];

describe.each(Object.keys(SCRIPTS) as Shell[])("%s", (shell) => {
  const script = SCRIPTS[shell];

  test("every command and every option is in it", () => {
    const missing = LINE.verbs.flatMap(({ name, flags }) =>
      [name, ...flags.flatMap(({ names }) => names)].filter(
        (word) =>
          !new RegExp(`(?<![\\w-])${shell === "fish" ? word.replace(/^-+/, "") : word}(?![\\w-])`).test(
            script,
          ),
      ),
    );
    expect(missing).toEqual([]);
  });

  // A shell that isn't here is skipped: `bun test` counts it so.
  describe.skipIf(Bun.which(shell) === null)("on a terminal", () => {
    let on: Typing;
    beforeAll(async () => void (on = await typing(shell, script)), 30_000);
    afterAll(async () => on[Symbol.asyncDispose]());

    test("it is read without a word", () => {
      const { stderr, exitCode } = Bun.spawnSync([shell, "-n", "/dev/stdin"], { stdin: Buffer.from(script) });
      expect({ exitCode, said: stderr.toString() }).toEqual({ exitCode: 0, said: "" });
    });

    test.each(LINES)(
      "%s is completed to %s",
      async (typed, completed) => {
        expect(await on.complete(`nimo-shake ${typed}`)).toBe(completed);
      },
      30_000,
    );
  });
});
