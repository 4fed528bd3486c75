/** Help texts, as the command line prints them. */
import { describe, expect, spyOn, test } from "bun:test";
import { createCommandLine } from "../../bin/commands/all.ts";

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
  expect(text.split("\n").length).toBeLessThan(40);
  for (const name of NAMES) expect(text).toMatch(new RegExp(`^  ${name}\\b.*[a-z]{4}`, "m"));
  expect(text).not.toContain("[command]  The same");
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
