/**
 * DescribeStream. An account may make ten such calls a second: a run takes them all as long as nobody else needs some, which
 * a refusal shows, and asks no more than it needs. A server that isn't AWS has no such limit, until it refuses one.
 */
import {
  DescribeStreamCommand,
  type DescribeStreamCommandInput,
  type DescribeStreamCommandOutput,
  type DynamoDBStreamsClient,
  type Shard as SdkShard,
} from "@aws-sdk/client-dynamodb-streams";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../../core/plugin/context.ts";
import { createRateLimiter } from "../../../core/flow/rate-limit.ts";
import type { Shard } from "../../../core/types.ts";
import { createCalls } from "../../_dynamodb/calls.ts";
import { causeName, passingFailure } from "../../_dynamodb/errors.ts";

const SECOND = 1000;
const PER_SECOND = 10;
/** After a refusal nobody asks for so long, and for a while others are left half of the calls. */
const HELD = SECOND;
const SHARED = 10 * SECOND;

/** A table's stream. */
export interface StreamName {
  /** The table. */
  table: string;
  /** The stream's ARN. */
  arn: string;
}

/** What a stream says of itself. */
export interface StreamLook {
  /** Such as ENABLED; undefined: it doesn't say. */
  status: string | undefined;
  shards: Shard[];
}

/** See the top of the file. */
export interface ShardLists {
  /** A stream's state and all its shards. */
  look(stream: StreamName, signal: AbortSignal): Promise<StreamLook>;
  /** The shards that follow one. */
  children(stream: StreamName, shard: string, signal: AbortSignal): Promise<Shard[]>;
}

/**
 * Makes them.
 *
 * @param connected a client that tries no call again by itself: nobody would hear of the refusals
 * @param isLimited whether the service's limit is known to hold
 */
export function createShardLists(
  ctx: Context,
  connected: () => DynamoDBStreamsClient,
  isLimited: () => boolean,
): ShardLists {
  const calls = createCalls(ctx, "source");
  let heldUntil = 0;
  /** Until when others are left half of the calls. */
  let sharedUntil = 0;
  let wasRefused = false;
  const limited = (): boolean => wasRefused || isLimited();
  const mayAsk = createRateLimiter(() => {
    if (!limited()) return Number.POSITIVE_INFINITY;
    return performance.now() < sharedUntil ? PER_SECOND / 2 : PER_SECOND;
  });
  /** Until the server shows that it doesn't. */
  let knowsFilters = true;

  /** All pages of an answer; a shard that comes twice counts once. */
  async function describe(
    { table, arn }: StreamName,
    signal: AbortSignal,
    filter: Partial<DescribeStreamCommandInput> = {},
  ): Promise<StreamLook> {
    const shards = new Map<string, Shard>();
    let status: string | undefined;
    let from: string | undefined;
    do {
      const command = new DescribeStreamCommand({
        StreamArn: arn,
        ...filter,
        ...(from !== undefined && { ExclusiveStartShardId: from }),
      });
      const { StreamDescription: stream } = await calls(
        { call: "DescribeStream", table },
        signal,
        async () => {
          await turn(table, signal);
          const keptToLimit = limited();
          const send = (): Promise<DescribeStreamCommandOutput> =>
            connected().send(command, { abortSignal: signal });
          return send()
            .catch((error: unknown) => (isClockSet(error) ? send() : Promise.reject(error)))
            .catch((error: unknown) => refused(error, keptToLimit));
        },
      );
      for (const shard of stream!.Shards ?? []) shards.set(shard.ShardId!, toShard(shard));
      status = stream!.StreamStatus;
      from = stream!.LastEvaluatedShardId;
    } while (from !== undefined);
    return { status, shards: [...shards.values()] };
  }

  /** Waits until a call may be made. */
  async function turn(table: string, signal: AbortSignal): Promise<void> {
    do {
      await sleep(Math.max(0, heldUntil - performance.now()), undefined, { signal });
      await mayAsk(signal, table);
    } while (heldUntil > performance.now());
  }

  /** @param keptToLimit and so it is others who make such calls, too */
  function refused(error: unknown, keptToLimit: boolean): never {
    if (passingFailure(error) === "throttled") {
      wasRefused = true;
      heldUntil = performance.now() + HELD;
      if (keptToLimit) sharedUntil = heldUntil + SHARED;
    }
    throw error;
  }

  /** What CHILD_SHARDS gives; undefined: the server doesn't know it. */
  async function filtered(
    stream: StreamName,
    shard: string,
    signal: AbortSignal,
  ): Promise<Shard[] | undefined> {
    if (!knowsFilters) return undefined;
    const ShardFilter = { Type: "CHILD_SHARDS", ShardId: shard } as const;
    try {
      const { shards } = await describe(stream, signal, { ShardFilter });
      knowsFilters = shards.every(({ parent }) => parent === shard);
      return knowsFilters ? shards : undefined;
    } catch (error) {
      if (!isRefused(error)) throw error;
      knowsFilters = false;
      return undefined;
    }
  }

  return {
    look: (stream, signal) => describe(stream, signal),
    async children(stream, shard, signal) {
      const found = await filtered(stream, shard, signal);
      if (found !== undefined) return found;
      const { shards } = await describe(stream, signal);
      return shards.filter(({ parent }) => parent === shard);
    },
  };
}

function toShard({ ShardId, ParentShardId, SequenceNumberRange: range }: SdkShard): Shard {
  return {
    id: ShardId!,
    ...(ParentShardId !== undefined && { parent: ParentShardId }),
    ...(range?.StartingSequenceNumber !== undefined && { first: range.StartingSequenceNumber }),
    ...(range?.EndingSequenceNumber !== undefined && { last: range.EndingSequenceNumber }),
  };
}

/** Whether the SDK has set its clock by what the service said: the same call is right then. */
function isClockSet(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { clockSkewCorrected?: boolean } };
  return $metadata?.clockSkewCorrected === true;
}

const isRefused = (error: unknown): boolean =>
  ["ValidationException", "SerializationException"].includes(causeName(error));
