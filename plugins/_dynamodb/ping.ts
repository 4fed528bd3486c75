/** Whether a DynamoDB answers at all: a table is described, once. */
import { DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { addressOf } from "./access.ts";
import type { Caller } from "./client.ts";
import { callError, causeName, passingFailure, type Side } from "./errors.ts";

const SECOND = 1000;
/** Nobody waits longer, see `Source.ping`. */
const PATIENCE = 2 * SECOND;

/** See the top of the file. */
export interface Pinger {
  /** @throws MigrationError when it doesn't answer, or refuses the credentials */
  ping(table: string, signal: AbortSignal): Promise<void>;
  /** May be called twice. */
  close(): void;
}

/**
 * Makes one, with a client of its own: its tries would use up those of the calls that matter.
 *
 * @param connect makes a client
 */
export function createPinger(
  { config, log }: Caller,
  side: Side,
  connect: (caller: Caller, raw: string[]) => DynamoDBClient,
): Pinger {
  let client: DynamoDBClient | undefined;
  return {
    async ping(table, signal) {
      client ??= connect({ config: { ...config, "source.session.max_retries": 0 }, log }, []);
      try {
        await client.send(new DescribeTableCommand({ TableName: table }), { abortSignal: signal });
      } catch (error) {
        // That there is no such table, or too much to do, is an answer.
        if (causeName(error) === "ResourceNotFoundException" || passingFailure(error) === "throttled") return;
        throw callError(
          side,
          error,
          { call: "DescribeTable", table },
          {
            patience: PATIENCE,
            begun: false,
            address: addressOf(config, side, "DescribeTable"),
          },
        );
      }
    },
    close() {
      client?.destroy();
      client = undefined;
    },
  };
}
