/** The checkpoint's contract, kept by the example of a checkpoint: examples/plugins/json-checkpoint.ts. */
import { setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jsonCheckpoint from "../../examples/plugins/json-checkpoint.ts";
import { checkpointContract, type CheckpointPlace } from "../contracts/index.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

async function makePlace(): Promise<CheckpointPlace> {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-json-checkpoint-"));
  return {
    settings: { "plugin.json-checkpoint.file": join(folder, "states.json") },
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

for (const { name, run } of checkpointContract({ plugin: jsonCheckpoint, makePlace })) test(name, run);
