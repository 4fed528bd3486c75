/** The shards that follow one that has ended: looked for at once, for the source may list them late. */
import { setTimeout as sleep } from "node:timers/promises";
import { isOver } from "../checkpoint/shard-note.ts";
import { MigrationError } from "../errors.ts";
import type { TableStream } from "./table-stream.ts";
import type { Shard } from "../types.ts";

const SECOND = 1000;
/** They are looked for after such pauses; then the listing of all shards has to find them. */
const AFTER = [0, 0.1, 0.2, 0.5, 1, 2, 5].map((seconds) => seconds * SECOND);
/** Whether they are all is seen so long after the first of them. */
const ALL_AFTER = 0.5 * SECOND;
/** A shard that has had no children for so long will have none any more. */
const CHILDLESS = 300 * SECOND;
/** Failures that the next listing won't mend. */
const FINAL: ReadonlySet<string> = new Set(["SOURCE_DENIED", "SOURCE_GONE", "STREAM_GAP", "STREAM_UNFIT"]);

/** Notes that a shard is over, and which shards follow it isn't known yet. */
export function expectChildren({ childless, progress }: TableStream, id: string): void {
  childless.set(id, Date.now());
  progress.waiting.add(id);
}

/** The shards of which it is known at the beginning that they are over, and not which ones follow them. */
export function expectAllChildren(stream: TableStream): void {
  const notes = [...stream.checkpoint.shards.values()];
  const parents = new Set(notes.map(({ parent }) => parent));
  for (const note of notes) {
    if (!isOver(note)) stream.progress.waiting.add(note.id);
    else if (!parents.has(note.id)) expectChildren(stream, note.id);
  }
}

/** After a listing of all shards: whose children are known waits no longer, and who has had none for so long. */
export function settleChildren({ checkpoint, childless, progress }: TableStream): void {
  if (childless.size === 0) return;
  const parents = new Set([...checkpoint.shards.values()].map(({ parent }) => parent));
  for (const [id, since] of childless) {
    if (!parents.has(id) && Date.now() - since <= CHILDLESS) continue;
    childless.delete(id);
    progress.waiting.delete(id);
  }
}

/**
 * Looks for the children of a shard that has ended, for some seconds; and when there are any, whether they are all.
 *
 * @param found is told of shards that are listed
 */
export async function findChildren(
  stream: TableStream,
  id: string,
  found: (shards: Shard[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const streams = stream.ctx.role("streams");
  const look = async (list: () => Promise<Shard[]>, after: number): Promise<boolean> => {
    await sleep(after, undefined, { signal }).catch(() => {});
    const shards = signal.aborted ? undefined : await listed(stream, list, signal);
    if (shards !== undefined) found(shards);
    return shards !== undefined && shards.length > 0;
  };
  for (const after of AFTER) {
    if (signal.aborted) return;
    if (!(await look(() => streams.children(stream.table, id, signal), after))) continue;
    if (await look(() => streams.shards(stream.table, signal), ALL_AFTER)) settleChildren(stream);
    return;
  }
}

/**
 * A listing; one that fails is tried again at the next one, and what is known is followed meanwhile.
 *
 * @returns undefined when it failed
 */
export async function listed(
  { ctx, table }: TableStream,
  list: () => Promise<Shard[]>,
  signal: AbortSignal,
): Promise<Shard[] | undefined> {
  try {
    return await list();
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof MigrationError && FINAL.has(error.code)) throw error;
    ctx.log.warn(`listing the shards of table ${table.name} failed: ${(error as Error).message}`);
    return undefined;
  }
}
