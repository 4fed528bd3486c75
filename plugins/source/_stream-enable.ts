import {
  DescribeTableCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateTableCommand,
} from "@aws-sdk/client-dynamodb";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../core/context.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Table } from "../../core/types.ts";
import type { Calls } from "../_dynamodb-calls.ts";

const SECOND = 1000;
/** Streams are usually there within seconds. */
const PATIENCE = 300 * SECOND;
const PAUSE = { first: 0.2 * SECOND, longest: 2 * SECOND };
const VIEW = "NEW_AND_OLD_IMAGES";
const FULL = "use sync_mode = full, and write nothing to the source while it runs";

/**
 * Makes sure that a table has an enabled stream with both images.
 *
 * @returns its ARN
 * @throws MigrationError STREAM_UNFIT
 */
export async function enableStream(
  ctx: Context,
  client: DynamoDBClient,
  calls: Calls,
  { name }: Table,
): Promise<string> {
  const { signal, log } = ctx;
  const giveUpAt = performance.now() + PATIENCE;
  let asked = false;

  const describe = (): Promise<TableDescription> =>
    calls({ call: "DescribeTable", table: name }, signal, async () => {
      const command = new DescribeTableCommand({ TableName: name });
      return (await client.send(command, { abortSignal: signal })).Table!;
    });

  async function enable(): Promise<void> {
    log.info(`enabling the stream of table ${name}`);
    const StreamSpecification = { StreamEnabled: true, StreamViewType: VIEW } as const;
    const command = new UpdateTableCommand({ TableName: name, StreamSpecification });
    try {
      await calls({ call: "UpdateTable", table: name }, signal, () =>
        client.send(command, { abortSignal: signal }),
      );
    } catch (error) {
      const cause = error instanceof MigrationError ? error.cause : undefined;
      const kind = cause instanceof Error ? cause.name : "";
      // Somebody else changes the table, or has just enabled it: the next look tells.
      if (kind === "ResourceInUseException" || kind === "LimitExceededException") return;
      if (kind === "UnknownOperationException" || kind === "ValidationException") throw unknown(name, error);
      throw error;
    }
    asked = true;
  }

  for (let pause = PAUSE.first; ; pause = Math.min(pause * 1.5, PAUSE.longest)) {
    const { StreamSpecification: stream, LatestStreamArn, TableStatus } = await describe();
    if (stream?.StreamEnabled && LatestStreamArn !== undefined) {
      if (stream.StreamViewType !== VIEW) throw otherView(name, stream.StreamViewType ?? "unknown");
      if (TableStatus === "ACTIVE" || TableStatus === undefined) return LatestStreamArn;
    } else if (!asked && TableStatus === "ACTIVE") await enable();
    if (performance.now() > giveUpAt) throw late(name);
    await sleep(pause, undefined, { signal });
  }
}

function otherView(name: string, view: string): MigrationError {
  const what = `its stream has ${view}, and ${VIEW} is needed: table ${name}`;
  return new MigrationError("STREAM_UNFIT", what, {
    hint: "if nobody else reads that stream, disable it and start again: it is enabled as needed then",
  });
}

function late(name: string): MigrationError {
  const what = `the stream isn't enabled after ${PATIENCE / SECOND} s: table ${name}`;
  return new MigrationError("STREAM_UNFIT", what, {
    hint: "see the table's state at the source, then start again",
  });
}

/** The error for a source that knows no streams. */
export function unknown(name: string, cause: unknown): MigrationError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MigrationError("STREAM_UNFIT", `the source has no streams: table ${name}, ${reason}`, {
    cause,
    hint: FULL,
  });
}
