/** A stream that isn't needed any more. */
import { DescribeTableCommand, type DynamoDBClient, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import type { Calls } from "../../_dynamodb/calls.ts";
import { causeName } from "../../_dynamodb/errors.ts";

/** See `Streams.enabled`. */
export async function enabledStream(
  client: DynamoDBClient,
  calls: Calls,
  table: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { Table: found } = await calls({ call: "DescribeTable", table }, signal, () =>
      client.send(new DescribeTableCommand({ TableName: table }), { abortSignal: signal }),
    );
    return found?.StreamSpecification?.StreamEnabled ? found.LatestStreamArn : undefined;
  } catch (error) {
    if (causeName(error) === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

/** See `Streams.madeAt`: the label at an identifier's end is the time, in UTC. */
export function madeAt(stream: string): number | undefined {
  const [, label] = /\/stream\/(\d{4}-\d\d-\d\dT[\d:.]+)$/.exec(stream) ?? [];
  const at = Date.parse(`${label}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** See `Streams.disable`. */
export async function disableStream(
  client: DynamoDBClient,
  calls: Calls,
  table: string,
  signal: AbortSignal,
): Promise<void> {
  const command = new UpdateTableCommand({
    TableName: table,
    StreamSpecification: { StreamEnabled: false },
  });
  try {
    await calls({ call: "UpdateTable", table }, signal, () => client.send(command, { abortSignal: signal }));
  } catch (error) {
    // Asked for a second time, because the first answer was lost, the service refuses it.
    if (causeName(error) !== "ValidationException") throw error;
    if ((await enabledStream(client, calls, table, signal)) !== undefined) throw error;
  }
}
