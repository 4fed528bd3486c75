/** Help texts, as the command line prints them. */
import { describe, expect, spyOn, test } from "bun:test";
import { createCommandLine } from "../../../bin/commands/all.ts";
import { describeCommandLine } from "../../../bin/help/description.ts";
import { widthOf } from "../../../bin/help/lines.ts";
import { commandHelp, commandsHelp, helpText } from "../../../bin/help/text.ts";

/** What a command line prints, and what it ends with. */
async function printed(...args: string[]): Promise<{ text: string; code: unknown }> {
  const info = spyOn(console, "info").mockImplementation(() => {});
  try {
    const cli = createCommandLine();
    cli.parse(["bun", "nimo-shake", ...args], { run: false });
    const code = cli.options["help"] ? 0 : await cli.runMatchedCommand();
    return { text: info.mock.calls.flat().join("\n"), code };
  } finally {
    info.mockRestore();
  }
}

const NAMES = createCommandLine()
  .commands.map(({ name }) => name)
  .filter((name) => name !== "");

test("--help and help are the same short text, which names every command", async () => {
  const { text } = await printed("--help");
  expect(await printed("help")).toEqual({ text, code: 0 });
  expect(text.split("\n").length).toBeLessThan(45);
  for (const name of NAMES) expect(text).toMatch(new RegExp(`^  ${name}\\b.*[a-z]{4}`, "m"));
  expect(text).not.toContain("[command]  The same");
  expect(text.match(/--help/g)).toHaveLength(1);
});

describe.each(NAMES)("%s", (name) => {
  test("help of it has its usage, every option and an example", async () => {
    const { text, code } = await printed("help", name);
    expect(code).toBe(0);
    expect(text).toContain(`Usage:\n  nimo-shake ${name}`);
    const { options } = createCommandLine().commands.find((command) => command.name === name)!;
    for (const { rawName } of options) expect(text).toContain(`  ${rawName}`);
    expect(options.every(({ description }) => description.length > 10)).toBe(true);
    expect(text).toMatch(new RegExp(`Examples:\n(.*\n)*  nimo-shake ${name}`));
    expect((await printed(name, "--help")).text).toBe(text);
  });
});

test.each([["nonsense"], [""], ["AKIAsecret"]])("help %p is refused", async (name) => {
  const refused = printed("help", name);
  await expect(refused).rejects.toMatchObject({ code: "USAGE", exit: 2 });
  await expect(refused).rejects.not.toThrow(/AKIA/);
});

describe.each([60, 40])("on a terminal of %d columns", (width) => {
  const line = describeCommandLine(createCommandLine());
  const texts = [commandsHelp(line, width), ...line.verbs.map((verb) => commandHelp(verb, width))].map(
    helpText,
  );

  test("no line is longer, but for examples, which are to be copied", () => {
    const long = texts
      .flatMap((text) => text.split("\n"))
      .filter((each) => each.length > width && !/^ {2}nimo-shake /.test(each));
    expect(long).toEqual([]);
  });

  test("no word is lost", () => {
    const words = (text: string): string[] => text.split(/\s+/);
    const wide = [commandsHelp(line, 100), ...line.verbs.map((verb) => commandHelp(verb, 100))].map(helpText);
    expect(texts.map(words)).toEqual(wide.map(words));
  });
});

test.each([
  [undefined, 100],
  [0, 100],
  [60, 60],
  [300, 100],
])("a terminal of %p columns is written on to %d", (columns, width) => {
  expect(widthOf({ columns })).toBe(width);
});

test.each([["powershell"], ["AKIAsecret"]])("a completion for %p is refused", async (shell) => {
  const refused = printed("completion", shell);
  await expect(refused).rejects.toMatchObject({ code: "USAGE", exit: 2 });
  await expect(refused).rejects.not.toThrow(/AKIA/);
});

test.each(["STREAM_GAP", "stream_gap"])("help %s is its meaning, its cause and what to do", async (code) => {
  const { text } = await printed("help", code);
  expect(text).toMatch(/^STREAM_GAP:\n {2}changes .* gone from the stream\. Exit code 1\./);
  expect(text).toContain("What to do:\n");
  expect(text).toContain("on_gap = resync");
  expect(text).not.toContain("`");
});

test("help of a key is what it does, its default and its name in the environment", async () => {
  const { text } = await printed("help", "qps.full");
  expect(text).toContain("Scan calls a second");
  expect(text).toContain("Default:\n  1000");
  expect(text).toContain("NIMO_QPS_FULL");
});
