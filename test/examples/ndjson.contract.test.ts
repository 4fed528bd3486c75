/** The target's contract, kept by the example of a target: examples/plugins/ndjson.ts. */
import { setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ndjson from "../../examples/plugins/ndjson.ts";
import { targetContract, type TargetPlace } from "../contracts/index.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

async function makePlace(): Promise<TargetPlace> {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-ndjson-"));
  const read = (matches: (name: string) => boolean): unknown[] =>
    readdirSync(folder)
      .filter(matches)
      .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").slice(0, -1))
      .map((line) => JSON.parse(line) as unknown);
  return {
    settings: { "convert.type": "raw", "plugin.ndjson.folder": folder },
    read: async ({ targetName }) => read((name) => name === `${targetName}.ndjson`),
    kept: async ({ targetName }) => read((name) => name.startsWith(`${targetName}.ndjson.`)),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

// In typed form a line of JSON has everything: an item comes back as it was.
const expected = (item: object): unknown => item;

for (const { name, run } of targetContract({ plugin: ndjson, makePlace, can: { rename: true }, expected })) {
  test(name, run);
}
