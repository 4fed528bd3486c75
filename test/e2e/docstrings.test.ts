/** The examples in docstrings: everything that is exported and runs has one, and it does what it says. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentedExports } from "../docstrings.ts";
import { scenario, someItems } from "./helpers.ts";

setDefaultTimeout(180_000);

const ROOT = join(import.meta.dirname, "../..");
const LIBRARY = documentedExports("nimo-shake");
const CONTRACTS = documentedExports("nimo-shake/test");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-shake-docstrings-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a program prints on standard output. */
async function printed(code: string): Promise<string> {
  const file = join(folder, `${crypto.randomUUID()}.ts`);
  writeFileSync(
    file,
    code
      .replaceAll('"nimo-shake"', JSON.stringify(join(ROOT, "core/index.ts")))
      .replaceAll('"nimo-shake/test"', JSON.stringify(join(ROOT, "test/contracts/index.ts")))
      .replace(/"\.\/(json-checkpoint|ndjson)\.ts"/, (_, name) => `"${ROOT}/examples/plugins/${name}.ts"`),
  );
  const child = Bun.spawn([process.execPath, file], { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [out, err, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect({ exit, ...(exit !== 0 && { err }) }).toEqual({ exit: 0 });
  return out;
}

/** What the comments behind its prints say. */
const said = (code: string): string[] =>
  [...code.matchAll(/console\.log\(.+\); \/\/ (.+)$/gm)].map(([, text]) => text!);

test("everything that is exported and runs has an example", () => {
  const all = [...LIBRARY, ...CONTRACTS];
  expect(all.map(({ name }) => name)).toContain("migrate");
  expect(all.length).toBeGreaterThan(7);
  expect(all.filter(({ examples }) => examples.length === 0)).toEqual([]);
});

describe.each(LIBRARY.flatMap(({ name, examples }) => examples.map((code) => [name, code] as const)))(
  "%s",
  (_, code) => {
    test("its example prints what it says", async () => {
      await using s = await scenario();
      const items = someItems(20).map((item, n) => ({ ...item, status: { S: n % 2 ? "paid" : "open" } }));
      const table = await s.table("orders", { items });
      const here = code
        .replaceAll('id: "shop"', `id: "${s.id}"`)
        .replaceAll(
          '"source.region": "us-east-2"',
          `"source.endpoint_url": "${s.dynamoEndpoint}", "filter.collection.white": "${table}"`,
        )
        .replaceAll('"mongodb://127.0.0.1"', JSON.stringify(s.mongoUri));
      const printedLines = (await printed(here)).split("\n").slice(0, -1);
      expect(printedLines).toEqual(said(code));
      if (!code.includes("export default")) expect(printedLines.length).toBeGreaterThan(0);
    });
  },
);

describe.each(CONTRACTS.flatMap(({ name, examples }) => examples.map((code) => [name, code] as const)))(
  "%s",
  (_, code) => {
    // The cases are run where the plugins' own tests are, test/examples.
    test("its example makes cases", async () => {
      writeFileSync(
        join(folder, "my-source.ts"),
        'export default { name: "my-source", setup() {} };\nexport const itemsOf = (name) => [{ pk: { S: name } }];\n',
      );
      writeFileSync(join(folder, "collect.ts"), "export const test = (name) => console.log(name);\n");
      const names = (await printed(code.replace('"node:test"', '"./collect.ts"'))).split("\n").slice(0, -1);
      expect(names.length).toBeGreaterThan(5);
      expect(new Set(names).size).toBe(names.length);
    });
  },
);
