/**
 * A table's stream on its way through the spool: every shard is read as its records come, while the table's full
 * phase runs for days, and applied from there after it. When all that is spooled of a shard is applied, its reader
 * goes on in the stream.
 */
import { streamGap } from "../errors.ts";
import { expectChildren, findChildren } from "./children.ts";
import { isOlder, openReader } from "./follow-shard.ts";
import { noteShards, type TableStream, type SpooledStream } from "./table-stream.ts";
import type { PollOptions, ShardReader } from "../plugin/roles.ts";
import type { TableSpool } from "../spool/table-spool.ts";
import type { ShardLog } from "../spool/shard-log.ts";
import { appliedUpTo, isOver, type ShardNote } from "../checkpoint/shard-note.ts";
import type { StreamCheckpoint } from "../checkpoint/stream-checkpoint.ts";
import { compareSequence } from "../schema/sequence-number.ts";
import { watchTip } from "./tip.ts";
import type { ShardUnit, StreamPage } from "../types.ts";

/** A shard that is read into the spool. */
interface Spooled {
  spool: ShardLog;
  live: ShardReader;
  /** Ends when the shard does, or when it is stopped. */
  filling: Promise<void>;
  stop: AbortController;
  /** Where the shard stands in the checkpoint. */
  saved: ShardNote;
}

/** Reads a table's stream into the spool from now on: every shard that is noted, and those that turn up. */
export function spoolStream(stream: TableStream, folder: TableSpool): SpooledStream {
  const { ctx, table, checkpoint, polls, readers } = stream;
  const counters = ctx.progress.tables.get(table.name)!;
  const shards = new Map<string, Promise<Spooled>>();
  const opened = new Map<string, Spooled>();
  let tidying: Promise<void> = Promise.resolve();
  let applying = false;

  function weigh(): void {
    counters.spoolBytes = [...opened.values()].reduce((sum, { spool }) => sum + spool.bytes, 0);
  }

  async function begin(note: ShardNote, reader: ShardReader | undefined): Promise<Spooled> {
    const spool = await folder.shard(note.id);
    refuseMissing(stream, note, spool, folder);
    const unit: ShardUnit = { phase: "incr", table, shard: note.id };
    const number = spool.readUpTo;
    const position = { at: "sequence", number: number!, inclusive: false } as const;
    const ahead = number === undefined || compareSequence(number, appliedUpTo(note)) < 0;
    const live =
      (ahead && reader && polls.pace(reader)) || openReader(stream, ahead ? note : { ...note, position });
    const stop = new AbortController();
    const spooled: Spooled = { spool, live, stop, saved: note, filling: Promise.resolve() };
    spooled.filling = fill(unit, spooled);
    opened.set(note.id, spooled);
    weigh();
    return spooled;
  }

  async function fill(unit: ShardUnit, { spool, live, stop }: Spooled): Promise<void> {
    const id = unit.shard;
    const signal = AbortSignal.any([ctx.signal, stop.signal]);
    const beforeRequest = async (request: object): Promise<void> => {
      await ctx.call("fetch:before", { phase: "incr", table, unit, request });
    };
    const poll = (): Promise<StreamPage> => live.poll({ signal, beforeRequest });
    const tip = watchTip();
    try {
      for await (const page of spool.ended ? [] : polls.pages(poll, signal)) {
        // Durable before anybody knows how far the shard is read.
        await spool.append(page.records);
        if (page.ended) await spool.end();
        tip.saw(page);
        if (page.records.length > 0) {
          checkpoint.noteSpooled(id, spool.readUpTo!);
          weigh();
        }
        // An end that is seen now may have been there for hours.
        noteRead(id, (page.ended ? undefined : tip.settledAt) ?? page.records.at(-1)?.time);
      }
      if (spool.ended) {
        expectChildren(stream, id);
        await findChildren(stream, id, (shards) => void noteShards(stream, shards), signal);
      }
    } catch (error) {
      if (!signal.aborted) ctx.stop(error);
    }
  }

  /** Up to then the shard is in the spool: what comes of it, or follows it, is later. */
  function noteRead(id: string, readAt: number | undefined): void {
    const note = checkpoint.shards.get(id)!;
    if (isOlder(note.notedAt, readAt)) checkpoint.note({ ...note, notedAt: readAt });
  }

  /** Removes what is applied; a shard whose spool is applied is no more in it, and at last the spool is gone. */
  async function tidy(ids: Iterable<string>): Promise<void> {
    for (const id of ids) {
      const spooled = opened.get(id);
      if (spooled === undefined) continue;
      const { spool, stop, saved } = spooled;
      const applied = appliedUpTo(saved);
      const over = stop.signal.aborted && !spool.ended && compareSequence(applied, spool.readUpTo) >= 0;
      if (saved.status === "done" || over) {
        await spool.remove();
        opened.delete(id);
        shards.delete(id);
      } else if (applied !== undefined) await spool.discard(applied);
    }
    weigh();
    if (!applying || shards.size > 0 || stream.spool === undefined) return;
    stream.spool = undefined;
    await folder.remove();
    ctx.log.info(`the spool of table ${table.name} is applied and removed`);
  }

  function tidySoon(ids: Iterable<string>): void {
    tidying = tidying.then(() => tidy(ids)).catch((error: unknown) => ctx.stop(error));
  }

  const spool: SpooledStream = {
    take(id) {
      const reader = readers.get(id);
      readers.delete(id);
      const spooled = begin(checkpoint.shards.get(id)!, reader);
      shards.set(id, spooled);
      spooled.catch((error: unknown) => ctx.stop(error));
    },

    reader(note) {
      applying = true;
      const spooled = shards.get(note.id);
      return spooled && readerOf(spooled, appliedUpTo(note), () => tidySoon([note.id]));
    },

    saved(notes) {
      for (const note of notes) {
        const spooled = opened.get(note.id);
        if (spooled !== undefined) spooled.saved = note;
      }
      tidySoon(notes.map(({ id }) => id));
    },

    async stopped() {
      await Promise.all([...shards.values()].map(async (each) => (await each).filling.catch(() => {}))).catch(
        () => {}, // it has stopped the run
      );
      await checkpoint.flush();
      await tidying;
    },
  };
  for (const note of checkpoint.shards.values()) if (!isOver(note)) spool.take(note.id);
  return spool;
}

/** Reads a shard out of the spool, and when there is no more in it, in the stream. */
function readerOf(begun: Promise<Spooled>, after: string | undefined, onLive: () => void): ShardReader {
  let next: ReturnType<ShardLog["read"]> | undefined;
  let isLive = false;

  async function poll(options: PollOptions): Promise<StreamPage> {
    const { spool, live, stop, filling } = await begun;
    if (isLive) return live.poll(options);
    next ??= spool.read(after);
    let found = await next();
    if (found === undefined) {
      stop.abort();
      await filling;
      options.signal.throwIfAborted();
      found = await next();
    }
    const sentAt = Date.now();
    if (found !== undefined) return { ...found, tip: false, ended: false, sentAt };
    if (spool.ended) return { records: [], bytes: 0, tip: true, ended: true, sentAt };
    isLive = true;
    onLive();
    return live.poll(options);
  }

  return { poll };
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

/** Whether something was spooled that is not applied. */
export function isUnapplied({ shards, spooled }: StreamCheckpoint): boolean {
  return [...shards.values()].some(
    (note) => note.status !== "done" && compareSequence(appliedUpTo(note), spooled.get(note.id)) < 0,
  );
}
