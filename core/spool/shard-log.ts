/** One shard's records on the disk: appended in order, read again from any place, removed once they are applied. */
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { removeFile, syncFolder, withFile, writeAll } from "../host/durable-files.ts";
import { encodeFrame, type FrameMeta, parseRecords, VERSION } from "./frame.ts";
import { findShard, readFrames, type Segment, segmentPath, type ShardFiles } from "./segment-files.ts";
import { attempt, corrupt, type MayWrite } from "./spool-errors.ts";
import { compareSequence } from "../schema/sequence-number.ts";
import type { SourceRecord } from "../types.ts";

/** A segment is closed when it has so many bytes; what is applied is removed segment by segment. */
const SEGMENT_BYTES = 64 * 1024 * 1024;

/** See the top of the file. All that it says is durable. */
export interface ShardLog {
  /** The highest sequence number it has, or had; undefined: it never had a record. */
  readonly readUpTo: string | undefined;
  /** The shard was read to its end. */
  readonly ended: boolean;
  /** On the disk. */
  readonly bytes: number;
  /** Appends records, those it has already left out; resolves when they are durable. */
  append(records: SourceRecord[]): Promise<void>;
  /** Notes that the shard was read to its end; resolves when that is durable. */
  end(): Promise<void>;
  /**
   * Reads what is behind a sequence number, or all.
   *
   * @returns to be called for the next records, and how many bytes they take; it gives undefined while there are
   * no more
   */
  read(after?: string): () => Promise<{ records: SourceRecord[]; bytes: number } | undefined>;
  /** Removes files of which every record is applied: those up to a sequence number. */
  discard(upTo: string): Promise<void>;
  /** Removes all of it. */
  remove(): Promise<void>;
}

/**
 * Opens a shard's spool, with what an earlier process has left of it.
 *
 * @param names the names of the files in its folder
 * @param segmentBytes a segment is closed when it is so large
 * @param mayWrite is asked before every change: who was replaced must leave alone what is another process's by now
 * @throws MigrationError SPOOL_FAILED, as all of its calls
 */
export async function openShardLog(
  files: ShardFiles,
  names: string[],
  segmentBytes: number = SEGMENT_BYTES,
  mayWrite: MayWrite = () => {},
): Promise<ShardLog> {
  const found = await attempt(`reading the spool in ${files.folder}`, mayWrite, () =>
    findShard(files, names, mayWrite),
  );
  const { segments } = found;
  let { readUpTo, ended } = found;

  /** Writes a frame behind the last one, in a new segment when that one is full. */
  async function write(meta: FrameMeta, records: SourceRecord[]): Promise<void> {
    await mayWrite();
    const frame = encodeFrame(meta, records);
    const last = segments.at(-1);
    if (last !== undefined && last.size < segmentBytes) {
      await into(last, "r+", frame);
      return;
    }
    const number = last === undefined ? 0 : last.number + 1;
    const segment: Segment = { path: segmentPath(files, number), number, size: 0, after: readUpTo };
    const { id, table, shard } = files;
    const after = readUpTo === undefined ? {} : { after: readUpTo };
    const head = encodeFrame({ kind: "segment", version: VERSION, id, table, shard, number, ...after });
    await into(segment, "wx", Buffer.concat([head, frame]));
    segments.push(segment);
  }

  function into(segment: Segment, flags: "r+" | "wx", bytes: Buffer): Promise<void> {
    const { path } = segment;
    const append = async (file: FileHandle): Promise<void> => {
      await writeAll(file, bytes, segment.size);
      await file.datasync();
      // Now it is there for readers.
      segment.size += bytes.length;
      if (flags === "wx") await syncFolder(dirname(path));
    };
    return attempt(`writing to ${path}`, mayWrite, () => withFile(path, flags, append));
  }

  async function removeFirst(count: number): Promise<void> {
    for (const { path } of segments.slice(0, count)) {
      await mayWrite();
      segments.shift();
      await attempt(`removing ${path}`, mayWrite, () => removeFile(path));
    }
  }

  return {
    get readUpTo() {
      return readUpTo;
    },
    get ended() {
      return ended;
    },
    get bytes() {
      return segments.reduce((sum, { size }) => sum + size, 0);
    },

    async append(records) {
      const fresh = records.filter(isAfter(readUpTo));
      const last = fresh.at(-1)?.sequenceNumber;
      if (last === undefined) return;
      await write({ kind: "records", last }, fresh);
      readUpTo = last;
    },

    async end() {
      if (!ended) await write({ kind: "end" }, []);
      ended = true;
    },

    read(after) {
      const wanted = isAfter(after);
      // Before this one all is applied.
      const first = segments.findLast((each) => compareSequence(each.after, after) <= 0) ?? segments[0];
      let number = first?.number ?? 0;
      let at = 0;
      return async () => {
        for (;;) {
          // What is applied may be removed meanwhile.
          const i = segments.findIndex((each) => each.number >= number);
          const segment = segments[i];
          if (segment === undefined) return undefined;
          if (segment.number > number) [number, at] = [segment.number, 0];
          if (at === segment.size) {
            if (i === segments.length - 1) return undefined;
            [number, at] = [number + 1, 0];
            continue;
          }
          const { frames, next } = await attempt(`reading ${segment.path}`, mayWrite, async () => {
            const found = await readFrames(segment, at);
            if (found.frames.length === 0) throw corrupt(segment.path, at);
            return found;
          });
          const bytes = next - at;
          at = next;
          const records = frames
            .filter(({ meta }) => meta.kind === "records" && compareSequence(meta.last, after) > 0)
            .flatMap(({ body }) => parseRecords(body))
            .filter(wanted);
          if (records.length > 0) return { records, bytes };
        }
      };
    },

    async discard(upTo) {
      // The last one stays: it says how far the shard was read.
      const followed = segments.slice(1);
      await removeFirst(followed.filter(({ after }) => compareSequence(after, upTo) <= 0).length);
    },

    remove: () => removeFirst(segments.length),
  };
}

/** Whether a record is behind a sequence number; one that has none counts as new. */
const isAfter =
  (number: string | undefined) =>
  ({ sequenceNumber }: SourceRecord): boolean =>
    sequenceNumber === undefined || compareSequence(sequenceNumber, number) > 0;
