/** A migration that NimoShake has begun: its positions in the checkpoint, its documents at the target. */
import { encodeRow } from "../../core/checkpoint/nimoshake-rows.ts";
import type { ShardNote } from "../../core/checkpoint/shard-note.ts";
import type { Chance } from "./chance.ts";
import type { Outside } from "./roles.ts";
import { itemOf, KEYS, type SourceShard } from "./source.ts";

/** Some writes and splits, of which NimoShake has applied those before its positions. */
export function leaveNimoShake(outside: Outside, chance: Chance): void {
  const { source, now } = outside;
  const documents = new Map([...source.items].map(([key, { v }]) => [key, v!.N!]));
  const shards = new Set<SourceShard>();
  for (let n = chance.below(4); n >= 0; n--) {
    for (let writes = chance.below(6); writes > 0; writes--)
      source.write(chance.below(KEYS), chance.percent(30));
    for (const { id } of source.list(source.stream)) shards.add(source.shard(id)!);
    if (n > 0) source.split(chance.below(3));
  }
  const rows = new Map<string, string>();
  const isDone = new Map<string, boolean>();
  for (const shard of shards) {
    const { id, parent, changes, closed } = shard;
    const mayBegin = parent === undefined || isDone.get(parent) === true;
    const applied = mayBegin ? changes.slice(0, chance.below(changes.length + 1)) : [];
    for (const { key, item } of applied) {
      if (item === undefined) documents.delete(key);
      else documents.set(key, item["v"]!.N!);
    }
    const isOver = closed !== undefined && mayBegin && applied.length === changes.length;
    isDone.set(id, isOver);
    const last = applied.at(-1);
    const note: ShardNote = {
      id,
      ...(parent !== undefined && { parent }),
      status: isOver ? "done" : last === undefined ? "waiting" : "running",
      position:
        last === undefined
          ? { at: "horizon" }
          : { at: "sequence", number: String(last.number), inclusive: false },
      updatedAt: now(),
    };
    rows.set(id, JSON.stringify(encodeRow(note)));
  }
  outside.states.set("shards:t", rows);
  outside.states.set("status", new Map([["status", JSON.stringify("incr_sync")]]));
  outside.place = {
    id: "theirs",
    isUnique: true,
    documents: [...documents].map(([key, v]) => {
      const pk = itemOf(key, 0)["pk"]!.S!;
      return { key: JSON.stringify([pk]), document: { pk, v } };
    }),
  };
}
