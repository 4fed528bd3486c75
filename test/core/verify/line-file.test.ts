/** Values on their way over the disk come back as they were, whatever is in their texts. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { givenKeys } from "../../../core/verify/given-keys.ts";
import { createLineFile, readLineFile } from "../../../core/verify/line-file.ts";
import type { Item } from "../../../core/types.ts";
import { testTable } from "../../fakes/context.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nimo-lines-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Separators of lines in other formats, and characters of several bytes. */
const text = fc.string({
  unit: fc.constantFrom("a", "\u2028", "\u2029", "\u0085", "\n", "\r", "ä", "𝄞", '"', "\\"),
});

test("lines", async () => {
  const path = join(folder, "values.jsonl");
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (values) => {
      const file = await createLineFile<string>(path);
      await file.add(values);
      await file.close();
      expect(await Array.fromAsync(readLineFile<string>(path, 3))).toEqual(
        Array.from({ length: Math.ceil(values.length / 3) }, (_, i) => values.slice(3 * i, 3 * i + 3)),
      );
    }),
    { numRuns: 30 },
  );
});

test("lines longer than what is read at once, and characters across its ends", async () => {
  const path = join(folder, "long.jsonl");
  const values = ["x".repeat(262_142) + "𝄞\u2028", "ä".repeat(400_000), "z"];
  const file = await createLineFile<string>(path);
  await file.add(values);
  await file.close();
  expect(await Array.fromAsync(readLineFile<string>(path, 10))).toEqual([values]);
});

test("keys that are given, the last line without an end, others with CR LF", async () => {
  const path = join(folder, "keys.jsonl");
  const keys: Item[] = ["a\u2028b", "c\u2029", "d"].map((S) => ({ pk: { S } }));
  await writeFile(path, keys.map((key) => JSON.stringify(key)).join("\r\n"));
  expect(await Array.fromAsync(givenKeys(path, testTable("pk"), true))).toEqual([keys]);
});

test.each<[what: string, key: string, file: Buffer]>([
  ["no base64", "pk:B", Buffer.from('{"pk":{"B":"QQ=="}}\n{"pk":{"B":"a!b"}}')],
  ["base64 whose last character has too many bits", "pk:B", Buffer.from('{"pk":{"B":"QR=="}}')],
  ["no UTF-8", "pk", Buffer.from('{"pk":{"S":"\xff"}}', "latin1")],
  ["half a character at its end", "pk", Buffer.from('{"pk":{"S":"a"}}\n{"pk":{"S":"\xc3', "latin1")],
])("a key that is %s is refused: it would be read as another one", async (_, key, file) => {
  const path = join(folder, "wrong.jsonl");
  await writeFile(path, file);
  await expect(Array.fromAsync(givenKeys(path, testTable(key), true))).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining(path),
  });
});
