/** Streams in memory whose shards answer from a script, and a context in which they are followed. */
import { loadConfig } from "../../core/config/load.ts";
import { createContext, type OwnedContext } from "../../core/run/context.ts";
import type { TableStream } from "../../core/incr/table-stream.ts";
import { createPollPacer } from "../../core/incr/poll-pacer.ts";
import { openStream } from "../../core/incr/start-positions.ts";
import { trackTable } from "../../core/progress/progress.ts";
import type { Checkpoint, Source, Streams } from "../../core/plugin/roles.ts";
import { encodeRow } from "../../core/checkpoint/nimoshake-rows.ts";
import type { ShardNote } from "../../core/checkpoint/shard-note.ts";
import type { Start } from "../../core/incr/stream-start.ts";
import type { ChangeBatch, EncodedChange, EncodedChanges } from "../../core/plugin/changes.ts";
import type {
  Batch,
  RawChange,
  Shard,
  ShardPosition,
  SourceRecord,
  StreamPage,
  Table,
  WriteResult,
} from "../../core/types.ts";
import { memoryCheckpoint, memorySource, memoryTarget, testTable } from "./context.ts";

/** What a request to a shard brings: so many records, or a failure. */
export type Answer = Partial<StreamPage> | Error;

/** See the top of the file. */
export interface FakeStreams extends Streams {
  /** What is listed. */
  listed: Shard[];
  /** What a shard answers, one after the other; then nothing comes any more. */
  answers: Map<string, Answer[]>;
  /** Readers that have read: which shard, and from where. */
  opened: { shard: string; from: ShardPosition }[];
  /** Listings that were asked for. */
  listings: number;
  /** What a listing fails with. */
  failure: Error | undefined;
}

/** Makes them. */
export function fakeStreams(listed: Shard[] = [], answers: Record<string, Answer[]> = {}): FakeStreams {
  const list = (): Shard[] => {
    streams.listings++;
    if (streams.failure !== undefined) throw streams.failure;
    return streams.listed;
  };
  const streams: FakeStreams = {
    listed,
    answers: new Map(Object.entries(answers)),
    opened: [],
    listings: 0,
    failure: undefined,
    open: async () => "stream",
    shards: async () => list(),
    children: async (_table, id) => list().filter(({ parent }) => parent === id),
    read({ shard }, from) {
      let isOpened = false;
      return {
        async poll() {
          if (!isOpened) streams.opened.push({ shard, from });
          isOpened = true;
          const answer = streams.answers.get(shard)?.shift() ?? {};
          if (answer instanceof Error) throw answer;
          const page = { records: [], bytes: 0, tip: true, ended: false, sentAt: Date.now() };
          // An answer may make its records when somebody asks.
          return Object.defineProperties(page, Object.getOwnPropertyDescriptors(answer));
        },
      };
    },
  };
  return streams;
}

/** A change of an item in a stream. */
export function changed(pk: string, sequenceNumber: number, time: number = Date.now()): SourceRecord {
  const item = { pk: { S: pk } };
  return { op: "put", event: "MODIFY", keys: item, item, sequenceNumber: String(sequenceNumber), time };
}

/** The same as a page has it that came as bytes. */
export function rawChange(record: SourceRecord): RawChange {
  const { event, sequenceNumber, time, keys, item } = record;
  const body = Buffer.from(`${JSON.stringify(keys)}${item === undefined ? "" : JSON.stringify(item)}`);
  const imageAt = item === undefined ? -1 : body.lastIndexOf('{"pk');
  const change: RawChange = {
    event: event as RawChange["event"],
    sequenceNumber,
    time,
    body,
    keysAt: 0,
    imageAt,
    record: () => ({ ...record, ...(change.replayed && { replayed: true }) }),
  };
  return change;
}

/** Documents are the images' JSON, keys theirs; what has a key "bad" can't be encoded. */
function encodeRaw(changes: readonly RawChange[]): EncodedChanges | undefined {
  const encoded = changes.map((raw): EncodedChange => {
    const { event, replayed, body, imageAt } = raw;
    const key = body.toString("latin1", 0, imageAt < 0 ? undefined : imageAt);
    const [start, end] = imageAt < 0 ? [0, 0] : [imageAt, body.length];
    return { event, replayed, key, bytes: body, start, end, raw };
  });
  if (encoded.some(({ key }) => key.includes('"bad"'))) return undefined;
  return { changes: encoded, overflowed: 0 };
}

/** What {@link streamContext} takes. */
export interface StreamContextOptions {
  streams: FakeStreams;
  checkpoint?: Checkpoint;
  /** What the source can do; default: nothing. */
  source?: Partial<Source>;
  apply?: (batch: Batch) => Promise<Partial<WriteResult> | void>;
  /** Without it there is no short way. */
  applyEncoded?: (batch: ChangeBatch) => Promise<Partial<WriteResult> | void>;
  settings?: Record<string, string>;
  /** In ms. */
  patience?: number;
}

/** The table that is followed. */
export const TABLE: Table = testTable("pk");

/** A context that follows {@link TABLE}. */
export async function streamContext(options: StreamContextOptions): Promise<OwnedContext> {
  const { streams, checkpoint = memoryCheckpoint(), settings, patience = 10_000 } = options;
  const set = { "target.address": "mongodb://127.0.0.1:1", sync_mode: "all", ...settings };
  const ctx = createContext({ config: loadConfig({ set }).config, patience });
  const target = memoryTarget();
  target.apply = async (batch) => {
    const answer = await options.apply?.(batch);
    return { inserted: 0, replaced: batch.records.length, deleted: 0, duplicates: 0, ms: 0, ...answer };
  };
  target.keys = async function* () {};
  const { applyEncoded } = options;
  if (applyEncoded !== undefined) {
    target.applyEncoded = async (batch) => {
      const answer = await applyEncoded(batch);
      return { inserted: 0, replaced: batch.changes.length, deleted: 0, duplicates: 0, ms: 0, ...answer };
    };
  }
  await ctx.use({
    name: "fake",
    setup(ctx) {
      ctx.provide("streams", streams);
      ctx.provide("source", { ...memorySource([]), ...options.source });
      ctx.provide("target", target);
      ctx.provide("checkpoint", checkpoint);
      ctx.provide("convert", {
        fieldPath: ({ name }) => name,
        convert(records) {
          for (const record of records) Object.assign(record, { key: record.keys, document: record.item });
          return { overflowed: 0 };
        },
        changes: () => ({ encode: encodeRaw }),
      });
    },
  });
  trackTable(ctx.progress, TABLE);
  return ctx;
}

/** Opens the stream of {@link TABLE}. */
export function opened(ctx: OwnedContext, start: Start = "now"): Promise<TableStream> {
  return openStream(ctx, TABLE, createPollPacer(ctx.config), start);
}

/** A checkpoint with rows; those of ours have a time beside them. */
export function noted(
  rows: ShardNote[],
  times?: Record<string, number>,
): ReturnType<typeof memoryCheckpoint> {
  const checkpoint = memoryCheckpoint();
  checkpoint.states.set("shards:t", new Map(rows.map((row) => [row.id, encodeRow(row)])));
  if (times === undefined) return checkpoint;
  const own = Object.entries(times).map(([id, notedAt]): [string, object] => [`shard:${id}`, { notedAt }]);
  checkpoint.states.set("stream:t", new Map([["stream", { stream: "stream" }], ...own]));
  return checkpoint;
}
