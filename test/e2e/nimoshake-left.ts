/** What NimoShake leaves behind when it follows a table: one shard's position and its status, in files or in MongoDB. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scenario } from "./helpers.ts";

/** Leaves it where NimoShake keeps it by default: `./<id>-checkpoint`, or the target's database of that name. */
export async function leaveNimoShake(
  s: Scenario,
  table: string,
  row: object,
  { where, status = "incr_sync" }: { where: "file" | "mongodb"; status?: string },
): Promise<void> {
  const saved = { Key: "status_key", StatusValue: status };
  if (where === "file") {
    const folder = join(s.folder, `${s.id}-checkpoint`);
    mkdirSync(folder);
    writeFileSync(join(folder, table), `${JSON.stringify(row)}\n`);
    writeFileSync(join(folder, "status_table"), JSON.stringify(saved));
    return;
  }
  const checkpoint = s.client.db(`${s.id}-checkpoint`);
  await checkpoint.collection(table).insertOne({ ...row });
  await checkpoint.collection("status_table").insertOne(saved);
}
