/** A table's stream: found, or enabled and waited for. */
import {
  DescribeTableCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateTableCommand,
} from "@aws-sdk/client-dynamodb";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../../core/plugin/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import { isAnother, madeAnew } from "../../../core/schema/table-identity.ts";
import type { Shard, Table } from "../../../core/types.ts";
import type { Calls } from "../../_dynamodb/calls.ts";
import { causeName, isAnswer, passingFailure } from "../../_dynamodb/errors.ts";
import { tableIdentity } from "../../_dynamodb/sdk-values.ts";
import type { StreamLook } from "./shard-lists.ts";

const SECOND = 1000;
/** Streams are usually there within seconds. */
const PATIENCE = 300 * SECOND;
const PAUSE = { first: 0.2 * SECOND, longest: 2 * SECOND };
/** Between two lines about one wait. */
const QUIET = 30 * SECOND;
const VIEW = "NEW_AND_OLD_IMAGES";
const FULL = "use sync_mode = full, and write nothing to the source while it runs";

/** A table's stream. */
export interface EnabledStream {
  arn: string;
  /** Whether it wasn't there before. */
  made: boolean;
}

/**
 * Makes sure that a table has an enabled stream with both images.
 *
 * @param onEnable see `Streams.open`
 * @throws MigrationError STREAM_UNFIT, or SOURCE_GONE when the table was made anew
 */
export async function enableStream(
  ctx: Context,
  client: DynamoDBClient,
  calls: Calls,
  table: Table,
  onEnable: (ours: boolean) => Promise<void> = async () => {},
): Promise<EnabledStream> {
  const { signal, log } = ctx;
  const { name } = table;
  let made = false;
  /** A try of ours had no answer, and may have enabled it all the same. */
  let unanswered = false;

  const describe = (): Promise<TableDescription> =>
    calls({ call: "DescribeTable", table: name }, signal, async () => {
      const command = new DescribeTableCommand({ TableName: name });
      return (await client.send(command, { abortSignal: signal })).Table!;
    });

  /** The id may be another plugin's, not the service's: then the source has to say whether it is another table. */
  async function refuseAnother(): Promise<void> {
    const now = await ctx.role("source").describe?.(table, signal);
    if (now !== undefined && isAnother(now, table)) throw madeAnew(ctx, table, now);
  }

  async function enable(): Promise<void> {
    log.info(`enabling the stream of table ${name}`);
    const StreamSpecification = { StreamEnabled: true, StreamViewType: VIEW } as const;
    const command = new UpdateTableCommand({ TableName: name, StreamSpecification });
    const send = (): Promise<unknown> =>
      client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        unanswered ||= hadNoAnswer(error);
        throw error;
      });
    await onEnable(true);
    try {
      await calls({ call: "UpdateTable", table: name }, signal, send);
    } catch (error) {
      const kind = causeName(error);
      if (isRefusal(error) && !unanswered) await onEnable(false);
      // Somebody else changes the table, or has just enabled it: the next look tells.
      if (kind === "ResourceInUseException" || kind === "LimitExceededException") return;
      // As the service says where a stream is enabled already, by the try before.
      if (kind === "ValidationException" && unanswered) return;
      if (kind === "UnknownOperationException" || kind === "ValidationException") {
        throw noStreams(`the source has no streams: table ${name}`, error, FULL);
      }
      throw error;
    }
    made = true;
  }

  return until(ctx, `the stream of table ${name} enabled`, async () => {
    const description = await describe();
    if (isAnother({ id: tableIdentity(description) }, table)) await refuseAnother();
    const { StreamSpecification: stream, LatestStreamArn: arn, TableStatus = "ACTIVE" } = description;
    if (stream?.StreamEnabled && arn !== undefined) {
      refuseView(name, description);
      return { arn, made: made || unanswered };
    }
    if (TableStatus !== "ACTIVE") return `the table is ${TableStatus}, and it can be enabled after that`;
    if (!made) await enable();
    return "it was asked for";
  });
}

/**
 * Waits until a stream can be read: it is enabled, and has shards.
 *
 * @param endpoint where it is asked, for the error when nobody there knows streams
 * @returns its shards
 * @throws MigrationError STREAM_UNFIT
 */
export async function readyShards(
  ctx: Context,
  look: () => Promise<StreamLook>,
  table: Table,
  { made, endpoint }: { made: boolean; endpoint: string },
): Promise<Shard[]> {
  const looked = async (): Promise<Shard[] | string> => {
    try {
      const found = await look();
      refuseStatus(found, table);
      if (found.status === "ENABLING") return "it is ENABLING";
      return found.shards.length > 0 ? found.shards : "it has no shards yet";
    } catch (error) {
      if (made && causeName(error) === "ResourceNotFoundException") return "it isn't there yet";
      throw unknownStreams(error, table, endpoint) ?? error;
    }
  };
  return until(ctx, `the stream of table ${table.name} readable`, looked);
}

/** Looks again and again until it gets more than the reason why not yet. */
async function until<T extends object>(
  { signal, log }: Context,
  what: string,
  look: () => Promise<T | string>,
): Promise<T> {
  const started = performance.now();
  let toldAt = started;
  for (let pause = PAUSE.first; ; pause = Math.min(pause * 1.5, PAUSE.longest)) {
    const found = await look();
    if (typeof found !== "string") return found;
    const now = performance.now();
    const waited = `${what}, after ${Math.round((now - started) / SECOND)} s: ${found}`;
    if (now - started > PATIENCE) {
      throw new MigrationError("STREAM_UNFIT", `not yet ${waited}`, {
        hint: "see the table's state at the source, then start again",
      });
    }
    if (now - toldAt > QUIET) {
      log.info(`waiting for ${waited}`);
      toldAt = now;
    }
    await sleep(pause, undefined, { signal });
  }
}

/** Whether a try, or one that the SDK made before it, wasn't answered by the service's own no. */
function hadNoAnswer(error: unknown): boolean {
  const passes = passingFailure(error);
  const { attempts = 1 } = (error as { $metadata?: { attempts?: number } }).$metadata ?? {};
  // The SDK tries a no again only where it says that there are too many calls.
  return passes === "away" || (passes === undefined && attempts > 1);
}

/** Whether the service has answered that it doesn't do it. */
function isRefusal(error: unknown): boolean {
  return isAnswer(error instanceof MigrationError ? error.cause : error);
}

/** Refuses a stream that hasn't both images. @throws MigrationError STREAM_UNFIT */
export function refuseView(name: string, { StreamSpecification: stream }: TableDescription): void {
  if (!stream?.StreamEnabled || stream.StreamViewType === VIEW) return;
  const what = `its stream has ${stream.StreamViewType ?? "unknown"}, and ${VIEW} is needed: table ${name}`;
  throw new MigrationError("STREAM_UNFIT", what, {
    hint: "if nobody else reads that stream, disable it and start again: it is enabled as needed then",
  });
}

/** Refuses a stream that can't be read any more. @throws MigrationError STREAM_UNFIT */
export function refuseStatus({ status = "ENABLED" }: StreamLook, { name }: Table): void {
  if (["ENABLED", "ENABLING"].includes(status)) return;
  throw new MigrationError("STREAM_UNFIT", `the stream is ${status}: table ${name}`, {
    hint: "enable it again, or start again later",
  });
}

/** The error where nobody knows streams; undefined: a call has failed with something else. */
export function unknownStreams(
  error: unknown,
  { name }: Table,
  endpoint: string,
): MigrationError | undefined {
  if (causeName(error) !== "UnknownOperationException") return undefined;
  const where = endpoint === "" ? "the source" : new URL(endpoint).host;
  const hint = `set source.streams_endpoint_url to the endpoint of the streams; where there is none, ${FULL}`;
  return noStreams(`no streams are known at ${where}: table ${name}`, error, hint);
}

function noStreams(what: string, cause: unknown, hint: string): MigrationError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MigrationError("STREAM_UNFIT", `${what}, ${reason}`, { cause, hint });
}
