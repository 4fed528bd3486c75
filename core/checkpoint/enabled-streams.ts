/** Which streams the migration itself has enabled at the source, so that they can be disabled when it is over. */
import * as v from "valibot";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";

/** A stream that was enabled by the migration. */
export interface EnabledStream {
  /** When it was asked for, ISO 8601. */
  at: string;
  /** Its identifier; undefined: the process was killed before it was there. */
  stream?: string | undefined;
}

const schema: v.GenericSchema<unknown, EnabledStream> = v.object({
  at: v.string(),
  stream: v.optional(v.string()),
});

/** So far from its note a stream may have been made, in ms: it is asked for again and again, and clocks differ. */
const AROUND = 10 * 60_000;
const PREFIX = "enabled:";
const PART = "stream";

/**
 * Opens a table's stream, see `Streams.open`. That it has to be enabled is noted before it is: a process that is killed
 * between the two has noted it. Starting over keeps the note.
 *
 * @param known what this process has opened before: of that the note says all already
 */
export async function openStreamNoted(ctx: Context, table: Table, known?: string): Promise<string> {
  const store = ctx.role("checkpoint");
  const name = PREFIX + table.name;
  const note = (enabled: EnabledStream): Promise<void> => store.save(name, new Map([[PART, enabled]]));
  let asked = false;
  const stream = await ctx.role("streams").open(table, ctx.signal, async (ours) => {
    asked = ours;
    await (ours ? note({ at: new Date().toISOString() }) : store.clear(name));
  });
  if (stream === known && !asked) return stream;
  const noted = await enabledStream(ctx, table.name);
  if (noted === undefined || noted.stream !== undefined) return stream;
  if (asked || isNoted(ctx, noted, stream)) await note({ ...noted, stream });
  else await store.clear(name);
  return stream;
}

/**
 * Whether a stream is the one that was enabled. Where the process was killed before it knew which, somebody else's may
 * be there by now: its time tells.
 */
export function isNoted(ctx: Context, { at, stream }: EnabledStream, is: string): boolean {
  if (stream !== undefined) return stream === is;
  const madeAt = ctx.role("streams").madeAt?.(is);
  return madeAt !== undefined && Math.abs(madeAt - Date.parse(at)) < AROUND;
}

/** What is noted of a table's stream; undefined: it was there before, or there is none. */
export async function enabledStream(ctx: Context, table: string): Promise<EnabledStream | undefined> {
  const noted = (await ctx.role("checkpoint").load(PREFIX + table)).get(PART);
  const { success, output } = v.safeParse(schema, noted);
  return success ? output : undefined;
}
