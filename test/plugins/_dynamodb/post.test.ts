/** Single calls with bodies of bytes. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createPost, type Post } from "../../../plugins/_dynamodb/post.ts";
import { createTargetClient } from "../../../plugins/_dynamodb/client.ts";
import { createContext } from "../../../core/run/context.ts";
import { testConfig } from "../../fakes/context.ts";
import { type Misbehaviour, type Protocol, startProtocol, success } from "../../stand-in/protocol.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const BODY = Buffer.from('{"TableName":"é"}') as Uint8Array<ArrayBuffer>;

function open({ endpoint }: Protocol, timeout = 0): Post {
  const config = testConfig({
    "target.type": "aliyun_dynamo_proxy",
    "target.address": endpoint,
    "target.access_key_id": "key",
    "target.secret_access_key": "secret",
    "target.session_token": "token",
  });
  const ctx = createContext({ config });
  return createPost(createTargetClient(ctx, []), { endpoint, log: ctx.log, timeout });
}

const answering = (fate?: Misbehaviour): Promise<Protocol> =>
  startProtocol({ right: () => success({ good: true }), misbehave: () => fate });

const forever = new AbortController().signal;

test("send the bytes as they are, signed, and give the answer's", async () => {
  await using server = await answering();
  expect((await open(server)("Scan", BODY, forever)).toString()).toBe('{"good":true}');
  expect(server.calls).toMatchObject([{ operation: "Scan", text: BODY.toString(), accessKey: "key" }]);
});

test.each<[string, Misbehaviour, object]>([
  [
    "the service's error",
    { error: "ValidationException", message: "no" },
    { name: "ValidationException", message: "no", $metadata: { httpStatusCode: 400 } },
  ],
  [
    "a web page of a balancer, which may pass",
    { text: "<html>", status: 502 },
    {
      name: "StrangeAnswerError",
      message: "the answer is a web page, status 502",
      $metadata: { httpStatusCode: 502 },
    },
  ],
  ["a list", { text: "[]", status: 413 }, { name: "StrangeAnswerError", $metadata: { httpStatusCode: 413 } }],
  ["null", { text: "null", status: 500 }, { message: "the answer is no JSON, status 500" }],
  [
    "nothing",
    { text: "", status: 404 },
    { name: "NotDynamoDBError", message: "the answer is empty, status 404" },
  ],
  [
    "another service's error",
    { text: '{"code":"NotFound"}', status: 404 },
    { name: "NotDynamoDBError", message: "the answer is another service's, status 404" },
  ],
  ["no answer in time", { delayMs: 500 }, { name: "TimeoutError", message: "no answer within 100 ms" }],
])("%s", async (_, fate, expected) => {
  await using server = await answering(fate);
  await expect(
    open(server, typeof fate === "object" && "delayMs" in fate ? 100 : 0)("Scan", BODY, forever),
  ).rejects.toMatchObject(expected);
});

test("are given up when the run ends", async () => {
  await using server = await answering({ delayMs: 2000 });
  const ending = new AbortController();
  const reason = new Error("enough");
  setTimeout(() => ending.abort(reason), 50);
  await expect(open(server)("Scan", BODY, ending.signal)).rejects.toBe(reason);
  await expect(open(server)("Scan", BODY, ending.signal)).rejects.toBe(reason);
});
