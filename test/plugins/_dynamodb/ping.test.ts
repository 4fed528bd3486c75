/** What counts as an answer of a DynamoDB that is asked whether it is there. */
import { createConsola } from "consola";
import { afterAll, describe, expect, test } from "bun:test";
import { loadConfig } from "../../../core/config/load.ts";
import { createClient } from "../../../plugins/_dynamodb/client.ts";
import { createPinger } from "../../../plugins/_dynamodb/ping.ts";

/** What the server says next; undefined: nothing. */
let says: { status: number; body: object } | undefined;
let calls = 0;
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch() {
    calls++;
    if (says === undefined) return new Promise<Response>(() => {});
    return Response.json(says.body, { status: says.status });
  },
});
afterAll(() => server.stop(true));

const refusal = (name: string, status = 400): typeof says => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "said so" },
});

function ping(answer: typeof says, signal: AbortSignal = new AbortController().signal): Promise<void> {
  says = answer;
  const { config } = loadConfig({
    set: {
      id: "shop",
      "source.endpoint_url": `http://127.0.0.1:${server.port}`,
      "target.address": "mongodb://127.0.0.1:1",
    },
  });
  return createPinger({ config, log: createConsola({ level: -999 }) }, "source", createClient).ping(
    "orders",
    signal,
  );
}

describe("an answer is", () => {
  test.each([
    ["the table", { status: 200, body: { Table: {} } }],
    ["that there is no such table", refusal("ResourceNotFoundException")],
    ["that there is too much to do", refusal("ThrottlingException")],
  ])("%s", async (_, answer) => {
    await ping(answer);
  });
});

describe("none is", () => {
  test.each([
    ["a server in trouble", refusal("InternalServerError", 500), "InternalServerError"],
    ["a proxy's page", { status: 200, body: {} }, "no Table"],
    ["a refusal of the credentials", refusal("UnrecognizedClientException"), "UnrecognizedClient"],
    ["a refusal of the action", refusal("AccessDeniedException"), "AccessDenied"],
  ])("%s, and it is asked once only", async (_, answer, message) => {
    calls = 0;
    await expect(ping(answer)).rejects.toThrow(message);
    expect(calls).toBe(1);
  });

  test("silence: it ends with its signal", async () => {
    await expect(ping(undefined, AbortSignal.timeout(50))).rejects.toThrow();
  });
});
