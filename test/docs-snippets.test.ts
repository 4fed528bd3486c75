/** What the pages tell to type: commands, flags, keys, values and links to headings are there. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createCommandLine } from "../bin/commands/all.ts";
import { describeCommandLine } from "../bin/help/description.ts";
import { parseConf } from "../core/config/conf-syntax.ts";
import type { SettingKey } from "../core/config/config.ts";
import { parseSetting, SETTINGS } from "../core/config/settings.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGES = ["README.md", "README.zh-CN.md", "SECURITY.md", "CONTRIBUTING.md", "docs/*.md"].flatMap(
  (pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)].map((file) => file.replaceAll("\\", "/")).sort(),
);

const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8");

/** The code blocks of a language, without what they are indented by. */
function blocks(page: string, language: string): string[] {
  const fences = new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, "gm");
  return [...textOf(page).matchAll(fences)].map(([, indent, block]) =>
    block!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}

const KEYS: ReadonlySet<string> = new Set(SETTINGS.map(({ key }) => key));
const { verbs, flags } = describeCommandLine(createCommandLine());

/** Whether a line can be given: its command is there, and each of its flags. */
function isUnderstood(line: string): boolean {
  const words = line
    .replace(/ [#|>&].*/, "")
    .split(/\s+/)
    .slice(1);
  const [name] = words;
  if (name === undefined || name.startsWith("-")) return true;
  const verb = verbs.find((each) => each.name === name);
  if (verb === undefined) return false;
  const known = new Set([...verb.flags, ...flags].flatMap(({ names }) => names));
  return words
    .filter((word) => word.startsWith("-"))
    .every((word) => known.has(word.replace(/^\[?(-+[\w-]+).*/, "$1")));
}

describe.each(PAGES)("%s", (page) => {
  test("commands in blocks are there, with their flags", () => {
    const lines = blocks(page, "sh")
      .flatMap((block) => block.split("\n"))
      .map((line) => line.trim())
      .filter((line) => /^nimo-shake( |$)/.test(line));
    expect(lines.filter((line) => !isUnderstood(line))).toEqual([]);
  });

  test("commands in sentences are there", () => {
    const named = [...textOf(page).matchAll(/`nimo-shake ([a-z]+)/g)].map(([, name]) => name!);
    expect(named.filter((name) => !verbs.some((verb) => verb.name === name))).toEqual([]);
  });

  test("configurations can be read", () => {
    const wrong = blocks(page, "ini").flatMap((block) =>
      parseConf(block).entries.flatMap(({ key, value }) => {
        if (key.startsWith("plugin.")) return [];
        if (!KEYS.has(key)) return [key];
        if (value.includes("…")) return [];
        const { issue } = parseSetting(key as SettingKey, value);
        return issue === undefined ? [] : [`${key} = ${value}: ${issue}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("keys in sentences are there", () => {
    const groups =
      "full|qps|target|source|checkpoint|increase|convert|filter|log|verify|report|memory|http|incr_sync|full_sync";
    const named = [...textOf(page).matchAll(new RegExp(`\`((?:${groups})\\.[\\w.]+)( = [^\`]*)?\``, "g"))];
    const text = textOf(page);
    const unknown = named
      .map(([, key]) => key!.replace(/\.\*?$/, ""))
      .filter((key) => !key.endsWith(".ts") && !text.includes(`plugin.${key}`))
      .filter((key) => !KEYS.has(key) && ![...KEYS].some((each) => each.startsWith(`${key}.`)));
    expect(unknown).toEqual([]);
  });

  test("links to headings lead there", () => {
    const links = [...textOf(page).matchAll(/\]\(((?!https?:)[^)#]*)#([^)]+)\)/g)];
    const lost = links.filter(([, file, heading]) => {
      const target = file === "" ? page : join(dirname(page), file!);
      return existsSync(join(ROOT, target)) && !slugs(target).has(heading!);
    });
    expect(lost.map(([link]) => link)).toEqual([]);
  });
});

/** The names of a page's headings, as GitHub makes them. */
function slugs(page: string): ReadonlySet<string> {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
