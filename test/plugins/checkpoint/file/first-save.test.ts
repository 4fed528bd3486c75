/** States that are read right when they are saved for the first time. */
import { expect, mock, test } from "bun:test";
import * as promises from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStates, writeStates } from "../../../../plugins/checkpoint/file/state-file.ts";

const OWNER = { id: "app", name: "table-t" };
const STATES = new Map([["segment-0", "1"]]);

test("a file that comes between two looks at it is read", async () => {
  const real = { ...promises };
  const folder = await real.mkdtemp(join(tmpdir(), "nimo-shake-first-save-"));
  const path = join(folder, "t.jsonl");
  const lstat = async (asked: string): Promise<unknown> => {
    await writeStates(path, join(folder, "t.draft"), OWNER, STATES);
    return real.lstat(asked);
  };
  try {
    await mock.module("node:fs/promises", () => ({ ...real, lstat }));
    expect(await readStates(path, OWNER)).toEqual(STATES);
    await mock.module("node:fs/promises", () => real);
    await real.rm(path);
    expect(await readStates(path, OWNER)).toEqual(new Map());
    await real.symlink(join(folder, "nowhere"), path);
    await expect(readStates(path, OWNER)).rejects.toMatchObject({ code: "CHECKPOINT_FAILED" });
  } finally {
    await mock.module("node:fs/promises", () => real);
    await real.rm(folder, { recursive: true, force: true });
  }
});
