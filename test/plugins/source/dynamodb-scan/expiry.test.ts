/** By which attribute items expire: told, not set, not granted, not known, not answered. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import dynamodbScan from "../../../../plugins/source/dynamodb-scan.ts";
import { dynamo } from "../../../e2e/helpers.ts";
import { testConfig, testTable } from "../../../fakes/context.ts";
import { sharedServers } from "../../../servers/shared.ts";
import { type Misbehaviour, startStandIn } from "../../../stand-in/dynamodb.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

async function expiry(endpoint: string, name = "t"): Promise<string | undefined> {
  const settings = { "source.endpoint_url": endpoint, "source.session.max_retries": "0" };
  await using ctx: OwnedContext = createContext({ config: testConfig(settings), patience: 300 });
  await ctx.use(dynamodbScan);
  return await ctx.role("source").expiry!(testTable("pk", undefined, { name }), ctx.signal);
}

/** The same where the service answers in this way. */
async function expiryBy(answer: Misbehaviour): Promise<string | undefined> {
  await using standIn = await startStandIn({ tables: { t: { items: [] } }, misbehave: () => answer });
  return await expiry(standIn.endpoint);
}

const told = (description: object): Misbehaviour => ({
  text: JSON.stringify({ TimeToLiveDescription: description }),
});

test.each([
  ["ENABLED", told({ TimeToLiveStatus: "ENABLED", AttributeName: "until" }), "until"],
  ["ENABLING", told({ TimeToLiveStatus: "ENABLING", AttributeName: "until" }), "until"],
  ["DISABLED", told({ TimeToLiveStatus: "DISABLED" }), undefined],
  ["it isn't granted", { error: "AccessDeniedException" }, undefined],
  ["the server doesn't know the call", { error: "UnknownOperationException" }, undefined],
])("%s", async (_, answer, expected) => {
  expect(await expiryBy(answer)).toBe(expected);
});

test.each([
  ["ResourceNotFoundException", "SOURCE_GONE"],
  ["UnrecognizedClientException", "SOURCE_DENIED"],
  ["ValidationException", "SOURCE_FAILED"],
])("%s is a failure", async (error, code) => {
  await expect(expiryBy({ error })).rejects.toThrow(expect.objectContaining({ code }));
});

test("a server that doesn't answer is a failure", async () => {
  await expect(expiry("http://127.0.0.1:1")).rejects.toThrow(
    expect.objectContaining({ code: "SOURCE_UNREACHABLE" }),
  );
});

test("a real server", async () => {
  const { dynamoEndpoint } = await sharedServers();
  const TableName = `expiry-${process.pid.toString(36)}`;
  const key = { AttributeName: "pk" };
  await dynamo(dynamoEndpoint, "CreateTable", {
    TableName,
    AttributeDefinitions: [{ ...key, AttributeType: "S" }],
    KeySchema: [{ ...key, KeyType: "HASH" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  try {
    expect(await expiry(dynamoEndpoint, TableName)).toBeUndefined();
    const TimeToLiveSpecification = { Enabled: true, AttributeName: "until" };
    await dynamo(dynamoEndpoint, "UpdateTimeToLive", { TableName, TimeToLiveSpecification });
    expect(await expiry(dynamoEndpoint, TableName)).toBe("until");
  } finally {
    await dynamo(dynamoEndpoint, "DeleteTable", { TableName });
  }
});
