/** The target's contract, kept by `target.type = file`. */
import { describe, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Field } from "../../fakes/bson-types.ts";
import file from "../../../plugins/target/file.ts";
import { targetContract, type TargetPlace } from "../../contracts/index.ts";
import { changed, raw, stored } from "./mongodb/typed-items.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

async function makePlace(settings: Record<string, string>): Promise<TargetPlace> {
  const dump = mkdtempSync(join(tmpdir(), "nimo-shake-contract-"));
  const folder = join(dump, "contract");
  /** The documents of the finished file of a name, or of its parts. */
  const read = (matches: RegExp): Field[][] =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => matches.test(name))
      .flatMap((name) => documents(readFileSync(join(folder, name))));
  const escaped = (name: string): string => name.replace(/[.]/g, "\\.");
  return {
    settings: { "target.type": "file", "target.address": dump, id: "contract", ...settings },
    read: async ({ targetName }) =>
      read(new RegExp(`^${escaped(targetName)}(\\.bson|\\.\\d+\\.bson\\.part)$`)),
    kept: async ({ targetName }) => read(new RegExp(`^${escaped(targetName)}\\.\\d{4}-.*\\.bson$`)),
    [Symbol.asyncDispose]: async () => rmSync(dump, { recursive: true, force: true }),
  };
}

function documents(bytes: Buffer): Field[][] {
  const found: Field[][] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + bytes.readInt32LE(at);
    found.push(stored(bytes.subarray(at, end)));
    at = end;
  }
  return found;
}

const can = { resume: true, rename: true, encoded: true, stored: true };

describe.each([
  ["change", changed],
  ["raw", raw],
] as const)("convert.type = %s", (type, expected) => {
  const place = (): Promise<TargetPlace> => makePlace({ "convert.type": type });
  for (const { name, run } of targetContract({ plugin: file, makePlace: place, can, expected })) {
    test(name, run);
  }
});
