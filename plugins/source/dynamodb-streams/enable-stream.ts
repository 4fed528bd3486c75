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
import { causeName } from "../../_dynamodb/errors.ts";
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
 * @throws MigrationError STREAM_UNFIT, or SOURCE_GONE when the table was made anew
 */
export async function enableStream(
  ctx: Context,
  client: DynamoDBClient,
  calls: Calls,
  table: Table,
): Promise<EnabledStream> {
  const { signal, log } = ctx;
  const { name } = table;
  let made = false;

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
    try {
      await calls({ call: "UpdateTable", table: name }, signal, () =>
        client.send(command, { abortSignal: signal }),
      );
    } catch (error) {
      const kind = causeName(error);
      // Somebody else changes the table, or has just enabled it: the next look tells.
      if (kind === "ResourceInUseException" || kind === "LimitExceededException") return;
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
      if (stream.StreamViewType !== VIEW) throw otherView(name, stream.StreamViewType ?? "unknown");
      return { arn, made };
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
      const { status = "ENABLED", shards } = await look();
      if (status === "ENABLED") return shards.length > 0 ? shards : "it has no shards yet";
      if (status === "ENABLING") return "it is ENABLING";
      const what = `the stream is ${status}: table ${table.name}`;
      throw new MigrationError("STREAM_UNFIT", what, { hint: "enable it again, or start again later" });
    } catch (error) {
      const kind = causeName(error);
      if (made && kind === "ResourceNotFoundException") return "it isn't there yet";
      if (kind !== "UnknownOperationException") throw error;
      const where = endpoint === "" ? "the source" : new URL(endpoint).host;
      const hint = `set source.streams_endpoint_url to the endpoint of the streams; where there is none, ${FULL}`;
      throw noStreams(`no streams are known at ${where}: table ${table.name}`, error, hint);
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

function otherView(name: string, view: string): MigrationError {
  const what = `its stream has ${view}, and ${VIEW} is needed: table ${name}`;
  return new MigrationError("STREAM_UNFIT", what, {
    hint: "if nobody else reads that stream, disable it and start again: it is enabled as needed then",
  });
}

function noStreams(what: string, cause: unknown, hint: string): MigrationError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MigrationError("STREAM_UNFIT", `${what}, ${reason}`, { cause, hint });
}
