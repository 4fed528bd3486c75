/** What is written about the code: every file says what it is for, and what documents name is there. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stalePages } from "../docs/generate.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDERS = "{core,plugins,bin,test,bench,examples,docs}";

const FILES = filesLike("*.ts", `${FOLDERS}/**/*.ts`);
const DOCUMENTS = filesLike("*.md", `${FOLDERS}/**/*.md`);

function filesLike(...patterns: string[]): string[] {
  return patterns.flatMap((pattern) =>
    [...new Bun.Glob(pattern).scanSync(ROOT)].map((file) => file.replaceAll("\\", "/")),
  );
}

const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** What a pattern's first group finds in a file. */
const found = (file: string, pattern: RegExp): string[] =>
  [...textOf(file).matchAll(pattern)].map(([, text]) => text!);

/** Whether there is a file, or a folder, of that path; without a folder in front, anywhere. */
function isThere(path: string): boolean {
  if (new Bun.Glob(`${FOLDERS}/**`).match(path)) return existsSync(join(ROOT, path.replace(/\/\*$/, "")));
  return FILES.some((file) => file === path || file.endsWith(`/${path}`));
}

test("every file says in its first line what it is for", () => {
  // What a shell has to see first may stand before it.
  const silent = FILES.filter((file) => !/^(#!.*\n)?\/\*\*/.test(textOf(file)));
  expect(silent).toEqual([]);
});

describe.each(DOCUMENTS)("%s names", (document) => {
  test("files that are there", () => {
    const paths = found(document, /`((?!\.\.?\/)[\w.*/-]+(?:\.ts|\/|\/\*))`/g);
    const rooted = paths.filter(
      (path) => path.endsWith(".ts") || /^(core|plugins|bin|test|bench)\//.test(path),
    );
    expect(rooted.filter((path) => !isThere(path))).toEqual([]);
  });

  test("documents that are there", () => {
    const links = found(document, /\]\(((?!https?:|#)[^)#]+)/g);
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(document), link)))).toEqual([]);
  });
});

test("generated pages are current: bun run docs", () => {
  expect(stalePages().map(({ name }) => name)).toEqual([]);
});

test("the tests that keep the promises are there", () => {
  const lines = [...textOf("docs/promises.md").matchAll(/^ +- `(.+)`: "(.+)"$/gm)];
  expect(lines.length).toBeGreaterThan(40);
  const missing = lines.flatMap(([, file, titles]) =>
    titles!.split('"; "').flatMap((title) => (textOf(file!).includes(title) ? [] : [`${file}: ${title}`])),
  );
  expect(missing).toEqual([]);
});

test("comments name files that are there", () => {
  const rooms = /(?<![\w/.*-])((?:core|plugins|bin|test|bench|docs|examples)\/[\w./-]+\.(?:ts|md))\b/g;
  const missing = FILES.flatMap((file) =>
    [...textOf(file).matchAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm)].flatMap(([comment]) =>
      [...comment.matchAll(rooms)].filter(([, path]) => !isThere(path!)).map(([path]) => `${file}: ${path}`),
    ),
  );
  expect(missing).toEqual([]);
});
