/** What was asked of DynamoDB and what it answered, at debug level: sizes, times and request ids, no values. */
import { createHash } from "node:crypto";
import type { ConsolaInstance } from "consola";
import type { InitializeMiddleware, MetadataBearer, MiddlewareStack } from "@smithy/types";

/** Consola's level at which calls are told. */
export const DEBUG = 4;

/** The members of an input that may be told. */
interface Input {
  TableName?: string;
  StreamArn?: string;
  ShardId?: string;
  ShardIterator?: string;
  ShardIteratorType?: string;
  SequenceNumber?: string;
  Segment?: number;
  TotalSegments?: number;
  Limit?: number;
  ConsistentRead?: boolean;
  ExclusiveStartKey?: object;
}

/** Says it of every call of a client; nothing is done for that at other levels. */
export function logCalls<Client extends { middlewareStack: unknown }>(
  client: Client,
  log: ConsolaInstance,
): Client {
  const stack = client.middlewareStack as MiddlewareStack<object, MetadataBearer>;
  const middleware: InitializeMiddleware<object, MetadataBearer> = (next, context) => async (args) => {
    if (log.level < DEBUG) return next(args);
    const began = performance.now();
    const asked = described(args.input);
    const call = `${String(context.commandName).replace(/Command$/, "")}${asked && ` ${asked}`}`;
    const took = (): string => `after ${Math.round(performance.now() - began)} ms`;
    try {
      const result = await next(args);
      const { $metadata, body } = result.output as MetadataBearer & { body?: Uint8Array };
      const size = body === undefined ? "" : `${body.length} bytes `;
      log.debug(`${call}: ${size}${took()}, ${metadata($metadata)}`);
      return result;
    } catch (error) {
      const { name, $metadata = {} } = error as Error & Partial<MetadataBearer>;
      log.debug(`${call}: ${name} ${took()}, ${metadata($metadata)}`);
      throw error;
    }
  };
  stack.add(middleware, { name: "logCalls", step: "initialize", priority: "high" });
  return client;
}

function described(input: Input): string {
  const {
    TableName,
    ShardId,
    ShardIterator,
    ShardIteratorType,
    SequenceNumber,
    Segment,
    TotalSegments,
    Limit,
  } = input;
  const parts = [
    TableName !== undefined && `of table ${TableName}`,
    ShardId !== undefined && `of shard ${ShardId}`,
    Segment !== undefined && `segment ${Segment} of ${TotalSegments}`,
    Limit !== undefined && `${Limit} at most`,
    input.ConsistentRead === true && "consistent",
    input.ExclusiveStartKey !== undefined && "going on from a key",
    ShardIteratorType !== undefined && [ShardIteratorType, SequenceNumber].filter(Boolean).join(" "),
    ShardIterator !== undefined && `iterator #${mark(ShardIterator)}`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** Iterators are long, and all look alike. */
function mark(iterator: string): string {
  return createHash("sha256").update(iterator).digest("hex").slice(0, 8);
}

function metadata({ httpStatusCode, requestId, attempts }: MetadataBearer["$metadata"]): string {
  const parts = [
    httpStatusCode !== undefined && `status ${httpStatusCode}`,
    requestId !== undefined && `request ${requestId}`,
    attempts !== undefined && attempts > 1 && `${attempts} tries`,
  ];
  return parts.filter(Boolean).join(", ") || "no answer";
}
