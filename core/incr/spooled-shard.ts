/** One shard on its way through the spool. */
import { appliedUpTo, type ShardNote } from "../checkpoint/shard-note.ts";
import { streamGap } from "../errors.ts";
import type { PollOptions, ShardReader } from "../plugin/roles.ts";
import { compareSequence } from "../schema/sequence-number.ts";
import type { ShardLog } from "../spool/shard-log.ts";
import type { TableSpool } from "../spool/table-spool.ts";
import type { StreamPage } from "../types.ts";
import { fillLog } from "./fill-log.ts";
import { openReader } from "./follow-shard.ts";
import type { TableStream } from "./table-stream.ts";

/**
 * What becomes of it, one after the other; when all that is in its log is applied, that is removed.
 *
 * - filling: what comes in the stream goes into the log. Once the shard is followed, it is applied from there meanwhile;
 * - draining: who applies has come to the log's end. Nothing is put into it any more, and the rest of it is applied;
 * - live: the stream itself is read, from behind what is in the log. A shard that has ended in its log is never live.
 */
type State = "filling" | "draining" | "live";

/** See the top of the file. */
export interface SpooledShard {
  /** Of its log on the disk. */
  readonly bytes: number;
  /** Resolves when nothing is put into the log any more; throws what opening it failed with. */
  readonly filled: Promise<void>;
  /**
   * Reads what is behind a sequence number, or all: first the log, then the stream.
   *
   * @param onLive told when the log is read
   */
  reader(after: string | undefined, onLive: () => void): ShardReader;
  /** Where the shard stands in the checkpoint: what is applied there may go. */
  saved(note: ShardNote): void;
  /** Removes what may go; gives whether that is all, and the log is gone. */
  tidy(): Promise<boolean>;
}

interface Opened {
  log: ShardLog;
  /** Reads the stream from behind what is in the log. */
  live: ShardReader;
}

/**
 * Reads a shard into the spool from now on.
 *
 * @param quiet a reader that stands at the shard's position, if there is one
 * @param onSize told when the log has another size
 */
export function spoolShard(
  stream: TableStream,
  folder: TableSpool,
  note: ShardNote,
  quiet: ShardReader | undefined,
  onSize: () => void,
): SpooledShard {
  const { ctx } = stream;
  let state: State = "filling";
  let saved = note;
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  let opened: Opened | undefined;

  async function open(): Promise<Opened> {
    const log = await folder.shard(note.id);
    refuseMissing(stream, note, log, folder);
    opened = { log, live: openLive(stream, note, log.readUpTo, quiet) };
    onSize();
    return opened;
  }

  const opening = open();
  const filled = opening.then(({ log, live }) => fillLog(stream, note.id, log, live, signal, onSize));
  filled.catch((error: unknown) => ctx.stop(error));

  async function drain(): Promise<void> {
    state = "draining";
    stop.abort();
    await filled;
  }

  function reader(after: string | undefined, onLive: () => void): ShardReader {
    let next: ReturnType<ShardLog["read"]> | undefined;

    async function poll(options: PollOptions): Promise<StreamPage> {
      const { log, live } = await opening;
      if (state === "live") return live.poll(options);
      next ??= log.read(after);
      await options.room?.();
      let found = await next();
      if (found === undefined) {
        await drain();
        options.signal.throwIfAborted();
        found = await next();
      }
      const sentAt = Date.now();
      if (found !== undefined) return { ...found, tip: false, ended: false, sentAt };
      if (log.ended) return { records: [], bytes: 0, tip: true, ended: true, sentAt };
      state = "live";
      onLive();
      return live.poll(options);
    }

    return { poll };
  }

  return {
    get bytes() {
      return opened?.log.bytes ?? 0;
    },
    filled,
    reader,
    saved: (now) => void (saved = now),
    async tidy() {
      if (opened === undefined) return false;
      const { log } = opened;
      const applied = appliedUpTo(saved);
      // While it is drained, what is on its way may still come into it.
      const isRead = state === "live" && !log.ended;
      const isOver = saved.status === "done" || (isRead && compareSequence(applied, log.readUpTo) >= 0);
      if (isOver) await log.remove();
      else if (applied !== undefined) await log.discard(applied);
      return isOver;
    },
  };
}

/** Reads the stream from behind what is in a shard's log, or from the shard's position where that is further. */
function openLive(
  stream: TableStream,
  note: ShardNote,
  readUpTo: string | undefined,
  quiet: ShardReader | undefined,
): ShardReader {
  if (readUpTo !== undefined && compareSequence(readUpTo, appliedUpTo(note)) >= 0) {
    return openReader(stream, { ...note, position: { at: "sequence", number: readUpTo, inclusive: false } });
  }
  return openReader(stream, note, quiet);
}

/** What was read before must still be there, unless it is applied. */
function refuseMissing(
  { table, checkpoint }: TableStream,
  note: ShardNote,
  { readUpTo }: ShardLog,
  { folder }: TableSpool,
): void {
  const noted = checkpoint.spooled.get(note.id);
  if (compareSequence(readUpTo, noted) >= 0 || compareSequence(appliedUpTo(note), noted) >= 0) return;
  const has = readUpTo === undefined ? "is gone" : `ends at ${readUpTo}`;
  throw streamGap(
    `the spool was read up to ${noted} and ${has}: table ${table.name}, shard ${note.id}, folder ${folder}`,
  );
}
