/**
 * Writes of which nobody knows what became of them, since their connection was cut: the server may carry them out later, and a
 * newer write that was sent meanwhile would be undone. So nobody learns how a call has ended before its earlier tries can't come any more.
 *
 * A server has a connection until it has done what came through it and has read its end. Which ones it has it says; where it doesn't,
 * the time is waited for after which it has given up. Retryable writes (`txnNumber`) would keep this too, and cost mongod twice the CPU.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Document, type MongoClient, MongoNetworkError, MongoServerError } from "mongodb";
import type { ConsolaInstance } from "consola";
import { type RetryOptions, withRetry } from "../../core/flow/retry.ts";
import { isBroken } from "./errors.ts";
import { hasConnections } from "./own-connections.ts";

const SECOND = 1000;
/** A server gives a write up 20 s after it came; what is on its way for longer than that and this isn't kept out. */
const GIVEN_UP = 30 * SECOND;
/** So long at most, from the sending on; a server that has a connection for longer has lost sight of its end. */
const PATIENCE = 60 * SECOND;
const PAUSE = { first: 10, longest: SECOND };
/** It is said when it takes longer. */
const QUIET = 2 * SECOND;
/** Connections that were closed so long ago are no matter any more. */
const OLD = 2 * PATIENCE;
/** What a mongos says that has lost sight of a shard: host unreachable or not found, network timeout, socket. */
const OUT_OF_SIGHT = [6, 7, 89, 9001];

/** A connection that was closed on our side. */
interface Closed {
  /** Which process of a server had it; undefined: nobody knows. */
  server: string | undefined;
  /** Its number there. */
  number: number;
  at: number;
}

/**
 * Makes a write again and again, as {@link withRetry} does. It ends when none of its tries can be carried out any more.
 *
 * @param call gets the number of the try, from 0, and what to call when it sends
 */
export type Surely = <T>(
  call: (attempt: number, sending?: () => void) => Promise<T>,
  retry: RetryOptions,
) => Promise<T>;

/** One client's. */
export interface LateWrites {
  surely: Surely;
  /** To be called when a connection is closed, with how its server had greeted. */
  onClosed(greeting: Document): void;
}

/** What {@link createLateWrites} takes. */
export interface LateWritesOptions {
  /** Who writes; it is asked through it as well. */
  client: () => MongoClient;
  isMongos: () => boolean;
  /** Nobody waits any longer then. */
  abandon: AbortSignal;
  log: ConsolaInstance;
}

/** Makes them. */
export function createLateWrites({ client, isMongos, abandon, log }: LateWritesOptions): LateWrites {
  let closed: Closed[] = [];

  /** Whether a server may still do what came through a connection that is closed; undefined: it doesn't say. */
  async function mayCome(): Promise<boolean | undefined> {
    const greeting = await client().db("admin").command({ hello: 1 }, { signal: abandon });
    const asked = serverOf(greeting);
    const there = closed.filter(({ server }) => server === asked);
    const elsewhere = closed.length > there.length;
    // Another mongod is no primary any more, or has ended: what it does now counts for nothing. Another mongos goes on.
    if (asked === undefined || (elsewhere && (isMongos() || closed.some(({ server }) => !server))))
      return undefined;
    if (there.length === 0) return false;
    const ours = { connectionId: { $in: there.map(({ number }) => number) } };
    if (await hasConnections(client(), isMongos(), ours, abandon)) return true;
    closed = closed.filter((each) => !there.includes(each));
    return false;
  }

  async function ended(sentAt: number): Promise<void> {
    let isTold = false;
    for (let pause = PAUSE.first; !abandon.aborted; pause = Math.min(2 * pause, PAUSE.longest)) {
      // The driver throws before the connection is closed.
      await sleep(pause, undefined, { signal: abandon }).catch(() => {});
      const took = (): number => performance.now() - sentAt;
      if (took() > PATIENCE) return;
      const may = await mayCome().catch(() => undefined);
      if (may === false || (may === undefined && took() > GIVEN_UP)) return;
      if (isTold || took() < QUIET) continue;
      isTold = true;
      log.info("waiting until MongoDB has done or given up what was on its way when a connection was cut");
    }
  }

  return {
    async surely(call, retry) {
      let doubtful: number | undefined;
      try {
        return await withRetry(async (attempt) => {
          let sentAt: number | undefined;
          try {
            return await call(attempt, () => (sentAt = performance.now()));
          } catch (error) {
            if (sentAt !== undefined && isDoubtful(error)) doubtful = sentAt;
            throw error;
          }
        }, retry);
      } finally {
        if (doubtful !== undefined) await ended(doubtful);
      }
    },
    onClosed(greeting) {
      const at = performance.now();
      closed = closed.filter((each) => at - each.at < OLD);
      const server = serverOf(greeting);
      closed.push({ server, number: Number(greeting["connectionId"]), at });
    },
  };
}

/** Which process of a server it is that has greeted; undefined: it doesn't say (before MongoDB 4.4, and what speaks its protocol). */
function serverOf({ topologyVersion, connectionId }: Document): string | undefined {
  const process: unknown = topologyVersion?.processId;
  return process === undefined || connectionId === undefined ? undefined : String(process);
}

/** Whether what was sent may be carried out after this failure. */
function isDoubtful(error: unknown): boolean {
  if (error instanceof MongoServerError) return OUT_OF_SIGHT.includes(Number(error.code));
  // Of a pool that is cleared no connection was taken.
  return (error instanceof MongoNetworkError && error.name !== "MongoPoolClearedError") || isBroken(error);
}
