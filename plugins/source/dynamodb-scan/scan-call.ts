/** One Scan call: it waits its turn, is made again when its failure may pass, and is counted when it is. */
import {
  type DynamoDBClient,
  ScanCommand,
  type ScanCommandInput,
  type ScanCommandOutput,
} from "@aws-sdk/client-dynamodb";
import type { FinalizeRequestMiddleware } from "@smithy/types";
import type { Context } from "../../../core/plugin/context.ts";
import type { RateLimiter } from "../../../core/flow/rate-limit.ts";
import { withRetry } from "../../../core/flow/retry.ts";
import { PAUSES, patienceWith } from "../../_dynamodb/calls.ts";
import { type Capacity, consumedUnits } from "./capacity.ts";
import { addressOf } from "../../_dynamodb/access.ts";
import type { RawOutput } from "../../_dynamodb/client.ts";
import { callError, passingFailure } from "../../_dynamodb/errors.ts";
import { createTrouble, type TroubledCall } from "../../_dynamodb/retry-reporter.ts";

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

  return async (request, { capacity, signal, parse }) => {
    const table = request.TableName!;
    const call: TroubledCall = { call: "Scan", table };
    /** Time in queues since the first failure, which is no fault of the source, in ms. */
    let queued = 0;
    let spent: ((units: number) => void) | undefined;

    async function turn(): Promise<void> {
      const from = performance.now();
      spent = await capacity?.take(signal);
      await mayScan(signal, table);
      if (call.failingSince !== undefined) queued += performance.now() - from;
    }

    function failed(error: unknown): void {
      call.failingSince ??= performance.now();
      // Who was throttled has used nothing; of other failures nobody knows.
      if (passingFailure(error) === "throttled") spent?.(0);
      spent = undefined;
    }

    /** Stands inside the SDK's retry loop and before the signing, so that a signature doesn't age in a queue. */
    function eachTry(): FinalizeRequestMiddleware<ScanCommandInput, ScanCommandOutput> {
      let last: { error: unknown; at: number } | undefined;
      return (next) => async (args) => {
        if (last !== undefined) trouble(call, last.error, performance.now() - last.at);
        await turn();
        try {
          return await next(args);
        } catch (error) {
          failed(error);
          last = { error, at: performance.now() };
          throw error;
        }
      };
    }

    async function send(): Promise<Buffer> {
      const command = new ScanCommand(request);
      command.middlewareStack.addRelativeTo(eachTry(), {
        name: "eachTry",
        relation: "after",
        toMiddleware: "retryMiddleware",
      });
      const answer = await connected().send(command, { abortSignal: signal });
      return (answer as unknown as RawOutput).body;
    }

    const patience = (error: unknown): number => patienceWith(ctx, error);
    try {
      return await withRetry(
        async () => {
          const body = await send();
          const units = consumedUnits(body, request);
          spent?.(units);
          capacity?.learn(request.Limit ?? capacity.limit, units);
          const counters = ctx.progress.tables.get(table);
          if (counters !== undefined) counters.readUnits += units;
          try {
            return parse(body);
          } catch (error) {
            call.failingSince ??= performance.now();
            throw error;
          }
        },
        {
          policy: { ...PAUSES, total: (error) => patience(error) + queued },
          passes: (error) => passingFailure(error) !== undefined,
          onRetry: (error, pause) => trouble(call, error, pause),
          signal,
        },
      );
    } catch (error) {
      throw callError("source", error, call, { patience: patience(error), begun: true, address });
    }
  };
}
