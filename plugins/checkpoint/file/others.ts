/** What other migrations keep in the same folder. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileNameOf } from "../../../core/host/file-name.ts";
import type { Other } from "../../../core/plugin/roles.ts";
import { namesIn } from "./drafts.ts";
import { attempt, readStates, SUFFIX } from "./state-file.ts";

/** See `Checkpoint.others`. */
export async function othersIn(
  ours: string,
  id: string,
  part: string,
  names: readonly string[],
): Promise<Other[]> {
  const found: Other[] = [];
  for (const other of await attempt(ours, () => namesIn(ours))) {
    if (other === id) continue;
    for (const name of names) {
      const path = join(ours, other, `${fileNameOf(name)}${SUFFIX}`);
      if (!existsSync(path)) continue;
      const states = await readStates(path, { id: other, name }).catch(() => undefined);
      const text = states?.get(part);
      if (text !== undefined) found.push({ id: other, name, state: JSON.parse(text) as unknown });
      else if (states === undefined) found.push({ id: other, name, state: undefined });
    }
  }
  return found;
}
