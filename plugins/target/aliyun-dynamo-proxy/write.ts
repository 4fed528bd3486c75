/** Writes on their way: in requests, sent until the service has done all of them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../../core/plugin/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import { createSemaphore } from "../../../core/flow/semaphore.ts";
import { mostLanes } from "../../../core/flow/write-lanes.ts";
import { inParallel } from "../../../core/flow/parallel.ts";
import { noteRetry } from "../../../core/progress/progress.ts";
import type { Table, WriteResult } from "../../../core/types.ts";
import { createCalls, PAUSES } from "../../_dynamodb/calls.ts";
import type { Post } from "../../_dynamodb/post.ts";
import { unfit } from "../../../core/schema/unfit.ts";
import type { Indexes } from "./indexes.ts";
import { createLate, type Late } from "./late.ts";
import { requestBody, requests, unprocessed, type Write } from "./request.ts";

/** Requests at once of one batch, and of all batches together where the settings don't ask for more. */
const REQUESTS_AT_ONCE = 8;
const REQUESTS_IN_ALL = 32;
/** The runtime has so many connections; beyond that a request's time would count from its queueing. */
const CONNECTIONS = 256;
/** Before what failed or was left unprocessed is sent again, in ms; twice as long each time. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5000;

/** The service's words for an item that it never takes. */
const REFUSALS = [
  "ValidationException",
  "SerializationException",
  "ItemCollectionSizeLimitExceededException",
];
const TOO_LARGE = 413;

/** Writes all of them; each key at most once. When it resolves all are durable, and none is carried out any more. */
export type Writer = (table: Table, writes: Write[], signal: AbortSignal) => Promise<WriteResult>;

/** How often an item is sent again after what refused it was taken away. */
const MENDS = 3;

/** Makes it. */
export function createWriter(ctx: Context, posted: () => Post, indexes: Indexes): Writer {
  const calls = createCalls(ctx, "target", { pauses: { ...PAUSES, firstPause: FIRST_PAUSE } });
  const asked = (): number =>
    ctx.config["full.concurrency"] * mostLanes(ctx.config["full.document.concurrency"]);
  const lanes = createSemaphore(() => Math.min(Math.max(REQUESTS_IN_ALL, asked()), CONNECTIONS));
  ctx.onSet(lanes.resized);

  /** Makes one request and gives what is left of it. */
  async function send(table: Table, writes: Write[], late: Late, signal: AbortSignal): Promise<Write[]> {
    const answer = await lanes.run(async () => {
      await ctx.mayWrite();
      return late.noting(() => posted()("BatchWriteItem", requestBody(table, writes), signal));
    });
    const left = unprocessed(answer, writes, table);
    // A request of which nothing was done counts as throttled, which isn't tried for ever.
    if (left.length === writes.length) throw throttled(left.length);
    return left;
  }

  /** What the service left undone is sent again by itself: beside new writes a key might be on its way twice. */
  async function untilDone(table: Table, writes: Write[], signal: AbortSignal): Promise<void> {
    const late = createLate(ctx);
    try {
      await allOf(table, writes, late, signal);
    } finally {
      await late.over();
    }
  }

  async function allOf(table: Table, writes: Write[], late: Late, signal: AbortSignal): Promise<void> {
    let left = writes;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      left = await calls({ call: "BatchWriteItem", table: table.name }, ctx.signal, () =>
        send(table, left, late, signal),
      );
      if (left.length === 0) return;
      const jittered = pause * (0.5 + Math.random() / 2);
      noteRetry(ctx.progress, {
        side: "target",
        table: table.name,
        code: "TARGET_THROTTLED",
        pause: jittered,
      });
      await sleep(jittered, undefined, { signal: ctx.signal });
    }
  }

  /** A refusal doesn't say which item it is about: they are sent one by one then. */
  async function request(table: Table, writes: Write[], signal: AbortSignal, mends = MENDS): Promise<void> {
    try {
      await untilDone(table, writes, signal);
    } catch (error) {
      const reason = refusal(error);
      if (reason === undefined) throw error;
      if (writes.length === 1) {
        const record = writes[0]!.record();
        const { document } = record;
        if (mends > 0 && document !== undefined && (await indexes.makeFit(table, document))) {
          return request(table, writes, signal, mends - 1);
        }
        throw unfit(`the target refuses it, ${reason}`, record, table, { cause: error });
      }
      for (const write of writes) await request(table, [write], signal);
    }
  }

  return async (table, writes, signal) => {
    const started = performance.now();
    const all = requests(writes);
    await inParallel(all, REQUESTS_AT_ONCE, (some) => request(table, some, signal));
    return { inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: performance.now() - started };
  };
}

function throttled(count: number): Error {
  const message = `none of ${count} items was taken`;
  return Object.assign(new Error(message), { name: "ProvisionedThroughputExceededException" });
}

/** Why the service never takes an item; undefined: it isn't about an item. */
function refusal(error: unknown): string | undefined {
  const cause = error instanceof MigrationError ? error.cause : undefined;
  if (!(cause instanceof Error)) return undefined;
  const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  return REFUSALS.includes(cause.name) || status === TOO_LARGE
    ? `${cause.name}, ${cause.message}`
    : undefined;
}
