/** A write that the target carries out after it was given up: what comes after it waits until that can't be. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Item, SourceRecord } from "../../../../core/types.ts";
import { mayBeDone } from "../../../../plugins/target/aliyun-dynamo-proxy/late.ts";
import { startTarget } from "../../../stand-in/dynamodb-target.ts";
import { openTable, tab, unitOf } from "./proxy.ts";

const SECOND = 1000;
setDefaultTimeout(30 * SECOND);
const LATE = 0.6 * SECOND;
const unit = unitOf(tab());

const put = (n: number): SourceRecord => {
  const keys = { pk: { S: "a" } };
  const document: Item = { ...keys, n: { N: String(n) } };
  return { op: "put", event: "MODIFY", keys, key: keys, document };
};

test("a balancer gives up on a put, and it is carried out later: the newer one stays", async () => {
  await using endpoint = await startTarget();
  let late: Promise<Response> | undefined;
  await using balancer = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body = await request.text();
      const pass = (): Promise<Response> =>
        fetch(endpoint.endpoint, { method: "POST", headers: request.headers, body });
      if (!body.includes("PutRequest") || late !== undefined) return pass();
      late = sleep(LATE).then(pass);
      return new Response("<html>Gateway Time-out</html>", { status: 504 });
    },
  });
  await using open = await openTable(`http://127.0.0.1:${balancer.port}`);
  const apply = async (n: number): Promise<unknown> =>
    open.target.apply!({ unit, records: [put(n)] }, open.ctx.abandon);
  await apply(1);
  await apply(2);
  await sleep(LATE);
  expect((await late)?.status).toBe(200);
  expect(endpoint.items("tab")).toEqual([{ pk: { S: "a" }, n: { N: "2" } }]);
});

const failure = (name: string, message: string, status?: number): Error =>
  Object.assign(new Error(message), {
    name,
    ...(status !== undefined && { $metadata: { httpStatusCode: status } }),
  });

test.each<[string, Error, boolean]>([
  ["a gateway's time is over", failure("StrangeAnswerError", "a web page", 504), true],
  ["a connection is cut", failure("Error", "ECONNRESET: the socket connection was closed"), true],
  ["no answer comes", failure("TimeoutError", "no answer within 30000 ms"), true],
  ["nobody is behind a balancer", failure("StrangeAnswerError", "a web page", 503), false],
  ["it is sent elsewhere", failure("StrangeAnswerError", "it redirects", 302), false],
  ["the service says that it failed", failure("InternalServerError", "internal", 500), false],
  ["the service is throttled", failure("ThrottlingException", "slower", 400), false],
  ["an answer is broken", failure("MalformedAnswerError", "no JSON"), false],
  ["a connection is refused", failure("Error", "ConnectionRefused: Unable to connect"), false],
])("whether a write may come later when %s", (_, error, may) => {
  expect(mayBeDone(error)).toBe(may);
});
