/** By which attribute a table's items expire. */
import { DescribeTimeToLiveCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context } from "../../../core/plugin/context.ts";
import type { Source } from "../../../core/plugin/roles.ts";
import { createCalls } from "../../_dynamodb/calls.ts";
import { causeName } from "../../_dynamodb/errors.ts";

/** Not granted, or not known to a server that only speaks the protocol. */
const UNTOLD = ["AccessDeniedException", "UnknownOperationException"];

/** Makes what asks for it. */
export function createExpiry(ctx: Context, connected: () => DynamoDBClient): NonNullable<Source["expiry"]> {
  const calls = createCalls(ctx, "source");
  return async ({ name }, signal) => {
    const command = new DescribeTimeToLiveCommand({ TableName: name });
    try {
      const { TimeToLiveDescription: found } = await calls(
        { call: "DescribeTimeToLive", table: name },
        signal,
        () => connected().send(command, { abortSignal: signal }),
      );
      return found?.TimeToLiveStatus === "DISABLED" ? undefined : found?.AttributeName;
    } catch (error) {
      if (!UNTOLD.includes(causeName(error))) throw error;
      ctx.log.debug(`table ${name}: whether its items expire isn't told, ${(error as Error).message}`);
      return undefined;
    }
  };
}
