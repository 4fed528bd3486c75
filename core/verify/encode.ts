/** What the copy would store of records, one by one where an `error` hook may want some left out. */
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import { runBatchStep } from "../stages/error-policy.ts";
import { beforeWrite } from "../stages/write.ts";
import type { SourceRecord, Unit } from "../types.ts";

/** Records as they would be stored. */
export interface Encoded {
  /** Those that hooks leave, in their order. */
  records: SourceRecord[];
  /** Their documents, one behind the other. */
  bytes: Uint8Array;
  ends: number[];
}

/** The last hooks, and the target's form. What an `error` hook leaves out goes to `Context.skip`. */
export async function encode(
  ctx: Context,
  unit: Unit,
  stored: Stored,
  converted: SourceRecord[],
): Promise<Encoded> {
  if (!ctx.listens("error")) {
    const records = await beforeWrite(ctx, unit, converted);
    return { records, ...stored.encode(unit, records) };
  }
  const parts: Encoded[] = [];
  // One that fails must not take its neighbours with it.
  for (const record of converted) {
    const records = await beforeWrite(ctx, unit, [record]);
    const batch = { unit, records };
    const run = async (some: SourceRecord[]): Promise<Encoded> => ({
      records: some,
      ...stored.encode(unit, some),
    });
    parts.push(await runBatchStep(ctx, { stage: "write", batch }, run, joined));
  }
  return joined(parts);
}

function joined(parts: Encoded[]): Encoded {
  const ends: number[] = [];
  let length = 0;
  for (const part of parts) {
    for (const end of part.ends) ends.push(length + end);
    length += part.ends.at(-1) ?? 0;
  }
  const bytes = Buffer.concat(parts.map((part) => part.bytes.slice(0, part.ends.at(-1) ?? 0)));
  return { records: parts.flatMap(({ records }) => records), bytes, ends };
}
