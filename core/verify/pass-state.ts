/**
 * How far the first pass over a table is, on both sides, as it is kept in the checkpoint. The digests are in logs on
 * this machine's disk: what is noted of them counts, what is behind was never noted.
 */
import { randomBytes } from "node:crypto";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { createPersister } from "../checkpoint/persister.ts";
import { countSchema, type UnitState, unitSchema, unitsSchema } from "../checkpoint/run-state.ts";
import { PRIVATE_FOLDER } from "../host/durable-files.ts";
import { fileNameOf } from "../host/file-name.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import type { Position, SegmentUnit, Table } from "../types.ts";
import { type DigestLog, type Written, type LogFile, openDigestLog } from "./digest-log.ts";

/** How far one side's log is: a segment of the source's, or the target's. */
export interface LogState extends UnitState, Written {
  /** When it was noted, in ms since 1970. */
  at: number;
}

/** The first pass over a table. */
export interface Pass {
  /** Where the logs are; removed when the pass is over. */
  readonly folder: string;
  /** How many segments the source's side is split into; undefined: it begins. */
  readonly segments: number | undefined;
  /** Notes how many segments there are. */
  begin(segments: number): Promise<void>;
  /** What is known of a side; undefined: nothing is. One without a position is finished. */
  state(log: string): LogState | undefined;
  /** Opens a side's log behind what is known of it. */
  open(log: string): Promise<DigestLog>;
  /** A side has come so far; on the disk and in the checkpoint soon. */
  moved(log: string, state: LogState): void;
  /** Saves what is not saved yet; throws what went wrong with any save. */
  flush(): Promise<void>;
  /** A log that is flushed, or that an earlier process had finished. */
  fileOf(log: string): LogFile;
  /** Forgets all of it. */
  remove(): Promise<void>;
}

/** At the latest so long after a side moved, in ms. */
const INTERVAL = 100;
/** A log is synced when so many bytes wait, whatever the time. */
const WAITING = 4 * 1024 * 1024;
const HEAD = "pass";
/** What was noted last longer ago says too little about now, in ms. */
const LASTS = 3_600_000;

interface Head {
  /** What both sides and the settings are: with others a pass begins anew. */
  of: string;
  segments: number;
  /** In ms since 1970. */
  begunAt: number;
  /** The folder of its logs ends with it: another pass's logs aren't taken for these. */
  token: string;
}

const headSchema: v.GenericSchema<unknown, Head> = v.object({
  of: v.string(),
  segments: unitsSchema,
  begunAt: v.number(),
  token: v.string(),
});
const logSchema: v.GenericSchema<unknown, LogState> = v.intersect([
  unitSchema,
  v.object({ length: countSchema, crc: countSchema, at: v.number() }),
]);

/** What {@link openPass} takes. */
export interface PassOptions {
  /** Where the logs of all tables are. */
  folder: string;
  /** What both sides and the settings are, in words. */
  of: string;
  /** Begins anew, whatever is there. */
  fresh: boolean;
  /** What the state's name begins with. */
  keptAs: string;
}

/** The name of a segment's log. */
export const segmentLog = ({ segment }: SegmentUnit): string => `source-${segment}`;
/** The name of the target's log. */
export const TARGET_LOG = "target";

/**
 * Opens a table's pass: one that was broken off under the same circumstances goes on.
 *
 */
export async function openPass(
  ctx: Context,
  table: Table,
  { folder: root, of, fresh, keptAs }: PassOptions,
): Promise<Pass> {
  const store = ctx.role("checkpoint");
  const name = `${keptAs}:${table.name}`;
  const known = new Map<string, LogState>();
  const folderOf = ({ token }: Head): string => join(root, `${fileNameOf(table.name)}.${token}`);
  const found = fresh ? undefined : await load();
  let head: Head = found ?? { of, segments: 0, begunAt: Date.now(), token: randomBytes(4).toString("hex") };
  const folder = folderOf(head);
  const pathOf = (log: string): string => join(folder, `${log}.log`);
  const logs = new Map<string, DigestLog>();
  /** By log, of those that are flushed. */
  const crcs = new Map<string, number>();
  if (found === undefined) await store.clear(name);
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });

  /** What was broken off, if it can be gone on with. */
  async function load(): Promise<Head | undefined> {
    const parts = await store.load(name);
    const { success, output } = v.safeParse(headSchema, parts.get(HEAD));
    if (!success) return undefined;
    for (const [log, state] of parts) {
      const read = v.safeParse(logSchema, state);
      if (log !== HEAD && read.success) known.set(log, read.output);
    }
    const newest = Math.max(...[...known.values()].map(({ at }) => at));
    if (output.of === of && Date.now() - newest < LASTS && !isWhole(output) && (await areThere(output))) {
      const since = new Date(output.begunAt).toISOString();
      ctx.log.info(`going on with what was read since ${since}: table ${table.name}`);
      return output;
    }
    known.clear();
    await rm(folderOf(output), { recursive: true, force: true });
    return undefined;
  }

  /** Both sides were read to their ends: what is said of them should be of now. */
  function isWhole({ segments }: Head): boolean {
    return known.size === segments + 1 && [...known.values()].every(({ position }) => position === undefined);
  }

  /** Another machine may have made them, or somebody removed them. */
  async function areThere(of: Head): Promise<boolean> {
    for (const [log, { length }] of known) {
      const there = await stat(join(folderOf(of), `${log}.log`)).catch(() => undefined);
      if (there === undefined || there.size < length) return false;
    }
    return true;
  }

  const states = createPersister<string, LogState>({
    save: (moved) =>
      runStep(ctx, { stage: "checkpoint", table }, async () => {
        await Promise.all([...moved.keys()].map((log) => logs.get(log)!.sync()));
        await store.save(name, moved);
      }),
    interval: INTERVAL,
    onFailure: (error) => ctx.stop(error),
  });

  return {
    folder,
    get segments() {
      return head.segments === 0 ? undefined : head.segments;
    },
    async begin(segments) {
      head = { ...head, segments };
      await store.save(name, new Map([[HEAD, head]]));
    },
    state: (log) => known.get(log),
    async open(log) {
      const opened = await openDigestLog(pathOf(log), known.get(log));
      logs.set(log, opened);
      return opened;
    },
    moved(log, state) {
      states.put(log, { ...state, at: Date.now() });
      if (logs.get(log)!.waiting >= WAITING) states.hurry();
    },
    async flush() {
      await states.flush();
      for (const [name, log] of logs) {
        crcs.set(name, log.crc);
        await log.close();
      }
      logs.clear();
    },
    fileOf: (log) => ({ path: pathOf(log), crc: crcs.get(log) ?? known.get(log)?.crc ?? 0 }),
    async remove() {
      await rm(folder, { recursive: true, force: true });
      await store.clear(name);
    },
  };
}

/** A state that nothing is known of. */
export function unread(): LogState {
  return { read: 0, filtered: 0, overflowed: 0, bytes: 0, length: 0, crc: 0, at: Date.now() };
}

/** A position that a page may have, or not. */
export function positioned(position: Position | undefined): { position?: Position } {
  return position === undefined ? {} : { position };
}
