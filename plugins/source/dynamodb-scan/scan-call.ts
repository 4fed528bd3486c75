/** One Scan call: it waits its turn, is made again when its failure may pass, and is counted when it is. */
import { type DynamoDBClient, ScanCommand, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import type { Context } from "../../../core/plugin/context.ts";
import type { RateLimiter } from "../../../core/flow/rate-limit.ts";
import { withRetry } from "../../../core/flow/retry.ts";
import { PAUSES, patienceWith } from "../../_dynamodb/calls.ts";
import { type Capacity, consumedUnits } from "./capacity.ts";
import { addressOf } from "../../_dynamodb/access.ts";
import { createPageLimit, type PageLimit } from "../../_dynamodb/page-limit.ts";
import { createRawCall, type RawCallOptions, type Try } from "../../_dynamodb/raw-call.ts";
import { callError, passingFailure } from "../../_dynamodb/errors.ts";
import { createTrouble, type TroubledCall } from "../../_dynamodb/retry-reporter.ts";

const SCAN: RawCallOptions<ScanCommandInput> = {
  operation: "Scan",
  command: (request) => new ScanCommand(request),
};

/** What a Scan call gets beside its request. */
export interface ScanOptions<T> {
  /** What the table's scan may use, where that is limited. */
  capacity: Capacity | undefined;
  signal: AbortSignal;
  /** Makes something of the answer; when it throws a MalformedAnswerError the call is made again. */
  parse: (body: Buffer) => T;
}

/** Makes one Scan call with all its tries. */
export type Scan = <T>(request: ScanCommandInput, options: ScanOptions<T>) => Promise<T>;

/**
 * The Scan calls of a run.
 *
 * @param mayScan `qps.full`, in which tables take turns; every try counts as one
 */
export function createScan(ctx: Context, connected: () => DynamoDBClient, mayScan: RateLimiter): Scan {
  const trouble = createTrouble(ctx, "source");
  const address = addressOf(ctx.config, "source", "Scan");
  const call = createRawCall(ctx, connected, SCAN);
  /** By table. */
  const limits = new Map<string, PageLimit>();

  function limitOf(table: string): PageLimit {
    const limit = limits.get(table) ?? createPageLimit(ctx.config["source.session.timeout"]);
    limits.set(table, limit);
    return limit;
  }

  return async (request, { capacity, signal, parse }) => {
    const table = request.TableName!;
    const troubled: TroubledCall = { call: "Scan", table };
    const limit = limitOf(table);
    /** Time in queues since the first failure, which is no fault of the source, in ms. */
    let queued = 0;
    let spent: ((units: number) => void) | undefined;

    async function turn(): Promise<void> {
      const from = performance.now();
      spent = await capacity?.take(signal);
      await mayScan(signal, table);
      if (troubled.failingSince !== undefined) queued += performance.now() - from;
    }

    function failed(error: unknown): void {
      troubled.failingSince ??= performance.now();
      // Who was throttled has used nothing; of other failures nobody knows.
      if (passingFailure(error) === "throttled") spent?.(0);
      spent = undefined;
    }

    /** Around each try of a call; the SDK makes several. */
    function tries(sent: ScanCommandInput): Try {
      let last: { error: unknown; at: number } | undefined;
      return async (send) => {
        if (last !== undefined) trouble(troubled, last.error, performance.now() - last.at);
        await turn();
        try {
          return await limit.watch(sent, send);
        } catch (error) {
          failed(error);
          last = { error, at: performance.now() };
          throw error;
        }
      };
    }

    const patience = (error: unknown): number => patienceWith(ctx, error);
    try {
      return await withRetry(
        async () => {
          const sent = { ...request, Limit: limit.of(request.Limit) };
          const body = await call(sent, signal, tries(sent));
          const units = consumedUnits(body, sent);
          spent?.(units);
          capacity?.learn(sent.Limit ?? capacity.limit, units);
          const counters = ctx.progress.tables.get(table);
          if (counters !== undefined) counters.readUnits += units;
          try {
            return parse(body);
          } catch (error) {
            troubled.failingSince ??= performance.now();
            throw error;
          }
        },
        {
          policy: { ...PAUSES, total: (error) => patience(error) + queued },
          passes: (error) => passingFailure(error) !== undefined,
          onRetry: (error, pause) => trouble(troubled, error, pause),
          signal,
        },
      );
    } catch (error) {
      throw callError("source", error, troubled, { patience: patience(error), begun: true, address });
    }
  };
}
