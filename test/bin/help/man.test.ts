/** The manual page: all of the command line is on it, and what reads it finds no fault. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createCommandLine } from "../../../bin/commands/all.ts";
import { describeCommandLine } from "../../../bin/help/description.ts";
import { manPage } from "../../../bin/help/man.ts";
import { SETTINGS } from "../../../core/config/settings.ts";

const LINE = describeCommandLine(createCommandLine());
const PAGE = manPage(LINE, { version: "1.2.3", date: "2026-11-27", platform: "linux-x64" });
const LITERAL = PAGE.replaceAll("\\-", "-");

test("every command, option and key is on it", () => {
  const wanted = LINE.verbs.flatMap(({ text, flags }) => [
    `.SS "${text}"`,
    ...flags.map((flag) => `.B "${flag.text}"`),
  ]);
  expect(wanted.filter((each) => !LITERAL.includes(each))).toEqual([]);
  expect(SETTINGS.filter(({ key }) => !LITERAL.includes(`.BR "${key}"`)).map(({ key }) => key)).toEqual([]);
});

test("every file of a run in the working folder is on it", () => {
  const architecture = readFileSync(join(import.meta.dirname, "../../../docs/architecture.md"), "utf8");
  const files = [...architecture.matchAll(/`(<id>[.-][\w.]+)/g)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(4);
  const listed = LITERAL.slice(LITERAL.indexOf(".SH FILES"));
  expect(files.filter((file) => !listed.includes(`.I ${file}\n`))).toEqual([]);
});

test("no text is taken for a command of roff, nor does it end in one", () => {
  const known = /^\.(TH|SH|SS|TP|PP|EX|EE|B|I|BR|br)( |$)/;
  expect(PAGE.split("\n").filter((line) => /^[.']/.test(line) && !known.test(line))).toEqual([]);
  const escapes = [...PAGE.matchAll(/\\(\((?:dq|->)|f[IR]|.)/g)].map(([, what]) => what!);
  expect(escapes.filter((what) => !["-", "e", "&", "(dq", "(->", "fI", "fR"].includes(what))).toEqual([]);
});

// Where mandoc and man aren't, these are skipped, and counted so.
describe.skipIf(Bun.which("mandoc") === null)("mandoc", () => {
  test("finds no fault in it", () => {
    const { stdout, exitCode } = Bun.spawnSync(["mandoc", "-Tlint"], { stdin: Buffer.from(PAGE) });
    expect({ exitCode, said: stdout.toString() }).toEqual({ exitCode: 0, said: "" });
  });

  test("shows what was typed", () => {
    const { stdout } = Bun.spawnSync(["mandoc", "-Tutf8", "-Owidth=60"], { stdin: Buffer.from(PAGE) });
    const shown = struck(stdout.toString());
    expect(shown).toContain("nimo-shake -conf=file");
    expect(shown).toContain('"${fpath[1]}/_nimo-shake"');
    expect(shown).toContain("--repair [no-delete]");
    expect(shown).toContain("nimo-shake 1.2.3");
  });
});

/** Bold is a character written over itself: one of them is left. */
function struck(text: string): string {
  const parts = text.split("\b");
  return parts.map((part, at) => (at < parts.length - 1 ? part.slice(0, -1) : part)).join("");
}
