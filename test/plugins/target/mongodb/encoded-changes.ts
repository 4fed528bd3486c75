/** Changes as a shard's reader and the converter make them, without records between. */
import type { ChangeBatch } from "../../../../core/plugin/changes.ts";
import type { OwnedContext } from "../../../../core/run/context.ts";
import type { ShardUnit, SourceRecord } from "../../../../core/types.ts";
import { rawChanges } from "../../../../plugins/source/dynamodb-streams/raw-changes.ts";

/** These records' changes, encoded; a put whose event is REMOVE is one that was collapsed. */
export function encodedChanges(ctx: OwnedContext, unit: ShardUnit, records: SourceRecord[]): ChangeBatch {
  const Records = records.map(({ keys, item }, n) => ({
    eventName: item === undefined ? "REMOVE" : "MODIFY",
    dynamodb: { Keys: keys, NewImage: item, SequenceNumber: String(n + 1) },
  }));
  const raw = rawChanges(Buffer.from(JSON.stringify({ Records })))!;
  const { changes } = ctx.role("convert").changes!(unit)!.encode(raw.changes)!;
  changes.forEach((change, n) => {
    change.event = records[n]!.event as typeof change.event;
    change.replayed = records[n]!.replayed;
  });
  return {
    unit,
    changes,
    record(change) {
      const record = { ...change.raw.record(), event: change.event, replayed: change.replayed };
      ctx.role("convert").convert([record], unit.table);
      return record;
    },
  };
}
