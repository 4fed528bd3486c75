/** One shard's segment files: found on the disk, checked, and their torn tail cut off. */
import { type FileHandle, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readAll, removeFile, syncFolder, withFile } from "../host/durable-files.ts";
import { decodeFrame, type Frame, frameBytes, HEAD_BYTES, MARK, type SegmentHead, VERSION } from "./frame.ts";
import { corrupt, type MayWrite } from "./spool-errors.ts";

/** Frames are read so many bytes at a time, or one that is larger. */
const CHUNK = 1024 * 1024;

/** A segment file. */
export interface Segment {
  path: string;
  /** Counts a shard's segments from 0. */
  number: number;
  /** Of what is durable, in bytes. */
  size: number;
  /** The last sequence number in the segments before it. */
  after: string | undefined;
}

/** Whose files they are. */
export interface ShardFiles {
  /** The run's. */
  id: string;
  table: string;
  shard: string;
  folder: string;
  /** What the files' names begin with. */
  prefix: string;
}

/** A shard's segments, the oldest first, and how far it was read. */
export interface FoundShard {
  segments: Segment[];
  readUpTo: string | undefined;
  ended: boolean;
}

/** The path of a segment's file. */
export function segmentPath({ folder, prefix }: ShardFiles, number: number): string {
  return join(folder, `${prefix}.${String(number).padStart(8, "0")}.spool`);
}

/**
 * Finds a shard's segments. What a process left half-written at the end is cut off, and all that remains is on the
 * disk then.
 *
 * @param names the names of the files in the shard's folder
 * @param mayWrite is asked before anything is cut off or removed: what looks torn may be what another process writes
 * @throws MigrationError SPOOL_FAILED when anything else is wrong
 */
export async function findShard(files: ShardFiles, names: string[], mayWrite: MayWrite): Promise<FoundShard> {
  const segments: Segment[] = [];
  const own = names.filter((name) => name.startsWith(`${files.prefix}.`) && name.endsWith(".spool"));
  for (const name of own.sort()) {
    const path = join(files.folder, name);
    const number = Number(name.slice(files.prefix.length + 1, -".spool".length));
    const { size } = await stat(path);
    segments.push({ path, number, size, after: undefined });
  }
  const last = await mendLast(segments, mayWrite);
  for (const [i, segment] of segments.entries()) {
    if (segment.number !== segments[0]!.number + i)
      throw corrupt(segment.path, 0, "the file before is missing");
    segment.after = headOf(files, segment, (await readFrames(segment, 0)).frames[0]).after;
  }
  if (own.length > 0) await syncFolder(files.folder);
  return { segments, readUpTo: last.upTo ?? segments.at(-1)?.after, ended: last.ended };
}

/** The names of the files in a folder; none when it isn't there. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/**
 * Reads some frames of a segment's durable part.
 *
 * @returns them, and where the next ones are; no frames: the one at the offset is bad, or there is none
 */
export async function readFrames(
  { path, size }: Segment,
  at: number,
): Promise<{ frames: Frame[]; next: number }> {
  // Open only meanwhile: there can be thousands of shards.
  return withFile(path, "r", async (file) => {
    let bytes = await readAt(file, at, Math.min(CHUNK, size - at));
    const first = frameBytes(bytes, 0) ?? 0;
    if (first > bytes.length && at + first <= size) bytes = await readAt(file, at, first);
    const frames: Frame[] = [];
    let next = 0;
    for (;;) {
      const frame = decodeFrame(bytes, next);
      if (frame === undefined) return { frames, next: at + next };
      frames.push(frame);
      next = frame.end;
    }
  });
}

/** Reads so many bytes from an offset, or what there is. */
async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  return bytes.subarray(0, await readAll(file, bytes, at));
}

/** Cuts off the newest segment's torn tail; a segment with nothing whole is removed. */
async function mendLast(
  segments: Segment[],
  mayWrite: MayWrite,
): Promise<{ upTo?: string | undefined; ended: boolean }> {
  for (let segment = segments.at(-1); segment !== undefined; segment = segments.at(-1)) {
    let upTo: string | undefined;
    let ended = false;
    let at = 0;
    for (let found = await readFrames(segment, at); found.frames.length > 0;) {
      for (const { meta } of found.frames) {
        if (meta.kind === "records") upTo = meta.last;
        if (meta.kind === "end") ended = true;
      }
      at = found.next;
      found = await readFrames(segment, at);
    }
    // A frame behind a bad one means corruption, not a torn write: each is synced before the next is written.
    if (await hasMark(segment, at + 1)) throw corrupt(segment.path, at);
    await mayWrite();
    if (at > 0) {
      await cut(segment, at);
      return { upTo, ended };
    }
    await removeFile(segment.path);
    segments.pop();
  }
  return { ended: false };
}

/** What was written and not synced by a process that was killed may be in the system's memory only. */
async function cut(segment: Segment, size: number): Promise<void> {
  await withFile(segment.path, "r+", async (file) => {
    if (size < segment.size) await file.truncate(size);
    await file.sync();
  });
  segment.size = size;
}

/** Whether a frame begins anywhere from an offset on. */
async function hasMark({ path, size }: Segment, from: number): Promise<boolean> {
  return withFile(path, "r", async (file) => {
    // The chunks overlap, so that none is missed between two.
    for (let at = from; size - at >= HEAD_BYTES; at += CHUNK) {
      const bytes = await readAt(file, at, Math.min(CHUNK + MARK.length, size - at));
      if (bytes.includes(MARK)) return true;
    }
    return false;
  });
}

/** A segment's first frame, when it is one of this shard. */
function headOf({ id, table, shard }: ShardFiles, { path, number }: Segment, frame?: Frame): SegmentHead {
  const meta = frame?.meta;
  if (meta?.kind !== "segment") throw corrupt(path, 0, frame && "it doesn't begin as a spool does");
  if (meta.version !== VERSION) throw corrupt(path, 0, `it has the version ${meta.version}, not ${VERSION}`);
  const found = [meta.id, meta.table, meta.shard, meta.number].join(" ");
  const expected = [id, table, shard, number].join(" ");
  if (found !== expected) throw corrupt(path, 0, `it is that of ${found}, not of ${expected}`);
  return meta;
}
