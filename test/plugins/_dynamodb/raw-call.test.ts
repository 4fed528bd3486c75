/** Calls past the SDK's middleware, and which of them it makes all the same. */
import { GetRecordsCommand, type GetRecordsCommandInput } from "@aws-sdk/client-dynamodb-streams";
import { expect, setDefaultTimeout, test } from "bun:test";
import { createContext } from "../../../core/run/context.ts";
import { createStreamsClient } from "../../../plugins/_dynamodb/client.ts";
import { createRawCall, type RawCall } from "../../../plugins/_dynamodb/raw-call.ts";
import { testConfig } from "../../fakes/context.ts";
import { type Misbehaviour, type Protocol, startProtocol, success } from "../../stand-in/protocol.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const forever = new AbortController().signal;
const REQUEST = { ShardIterator: "é 1", Limit: 7 };
const ANSWER = { Records: [], NextShardIterator: "2" };

const answering = (fates: Record<number, Misbehaviour> = {}): Promise<Protocol> =>
  startProtocol({ right: () => success(ANSWER), misbehave: ({ number }) => fates[number] });

/** What makes the calls, and how many of them the SDK was asked for. */
function open(
  { endpoint }: Protocol,
  level = 3,
): { call: RawCall<GetRecordsCommandInput>; bySdk: () => number } {
  const config = testConfig({
    "source.endpoint_url": endpoint,
    "source.access_key_id": "key",
    "source.secret_access_key": "secret",
  });
  const ctx = createContext({ config });
  ctx.log.level = level;
  const client = createStreamsClient(ctx, ["GetRecordsCommand"]);
  let sdk = 0;
  client.middlewareStack.add(
    (next) => (args) => {
      sdk++;
      return next(args);
    },
    { step: "initialize" },
  );
  const call = createRawCall<GetRecordsCommandInput>(ctx, () => client, {
    operation: "GetRecords",
    api: "DynamoDBStreams_20120810",
    command: (request) => new GetRecordsCommand(request),
  });
  return { call, bySdk: () => sdk };
}

test("go where the SDK has sent its first request, with the same body, signed by the same key", async () => {
  await using server = await answering();
  const { call, bySdk } = open(server);
  for (let n = 0; n < 3; n++) expect(JSON.parse((await call(REQUEST, forever)).toString())).toEqual(ANSWER);
  expect(bySdk()).toBe(1);
  const expected = { operation: "GetRecords", body: REQUEST, accessKey: "key" };
  expect(server.calls).toMatchObject([expected, expected, expected]);
});

test.each<[string, Misbehaviour, number]>([
  ["a clock that is wrong: the SDK hears of it, and sets its own", { error: "InvalidSignatureException" }, 3],
  ["a failure that may pass: the SDK tries again", { error: "InternalServerError", status: 500 }, 3],
])("%s", async (_, fate, calls) => {
  await using server = await answering({ 2: fate });
  const { call, bySdk } = open(server);
  await call(REQUEST, forever);
  expect(JSON.parse((await call(REQUEST, forever)).toString())).toEqual(ANSWER);
  expect(bySdk()).toBe(2);
  expect(server.calls).toHaveLength(calls);
});

test("what the service refuses for good has its name, and isn't asked for twice", async () => {
  const refusal = { error: "ExpiredIteratorException" };
  await using server = await answering({ 2: refusal });
  const { call } = open(server);
  await call(REQUEST, forever);
  await expect(call(REQUEST, forever)).rejects.toMatchObject({ name: "ExpiredIteratorException" });
  expect(server.calls).toHaveLength(2);
});

test("a stop is no failure of the service", async () => {
  await using server = await answering({ 2: { delayMs: 60_000 } });
  const { call } = open(server);
  await call(REQUEST, forever);
  const ending = new AbortController();
  const stopped = call(REQUEST, ending.signal);
  while (server.calls.length < 2) await Bun.sleep(1);
  ending.abort(new Error("enough"));
  await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
});

test("at debug level the SDK makes each, and tells of it", async () => {
  await using server = await answering();
  const { call, bySdk } = open(server, 4);
  for (let n = 0; n < 2; n++) await call(REQUEST, forever);
  expect(bySdk()).toBe(2);
});
