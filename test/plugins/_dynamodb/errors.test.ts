/** What failed calls to DynamoDB are called, in the user's words. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { callError, type Tries } from "../../../plugins/_dynamodb/errors.ts";
import { addressOf } from "../../../plugins/_dynamodb/access.ts";
import { createClient } from "../../../plugins/_dynamodb/client.ts";
import { reasonOf } from "../../../plugins/_dynamodb/no-answer.ts";
import { createContext } from "../../../core/run/context.ts";
import { testConfig } from "../../fakes/context.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const TRIES: Tries = { patience: 1000, begun: false, address: "http://h" };

function denied(message: string, call = "Scan", table?: string) {
  const error = Object.assign(new Error(message), { name: "AccessDeniedException" });
  return callError("source", error, { call, ...(table !== undefined && { table }) }, TRIES);
}

test.each([
  [
    "the action and the resource that the service names",
    "User: u is not authorized to perform: dynamodb:UpdateTable on resource: arn:aws:dynamodb:us-east-1:1:table/orders because no identity-based policy allows the dynamodb:UpdateTable action",
    "UpdateTable",
    "allow dynamodb:UpdateTable on arn:aws:dynamodb:us-east-1:1:table/orders to these credentials",
  ],
  [
    "another service's action",
    "User: u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:x.",
    "Scan",
    "allow kms:Decrypt on arn:aws:kms:x to these credentials",
  ],
  [
    "what denies",
    "User: u is not authorized to perform: dynamodb:Scan with an explicit deny in a service control policy",
    "Scan",
    "take away what denies dynamodb:Scan on table orders to these credentials",
  ],
  [
    "the call, where the service names nothing",
    "no",
    "Scan",
    "allow dynamodb:Scan on table orders to these credentials",
  ],
  ...["DescribeStream", "GetRecords", "GetShardIterator"].map((call) => [
    `the stream, at ${call}`,
    "no",
    call,
    `allow dynamodb:${call} on the stream of table orders, table/orders/stream/* to these credentials`,
  ]),
])("a right that is missing is named: %s", (_, message, call, hint) => {
  expect(denied(message, call, "orders")).toMatchObject({ code: "SOURCE_DENIED", hint });
});

test("who may not list tables hears how to do without", () => {
  expect(denied("no", "ListTables")).toMatchObject({
    hint: "allow dynamodb:ListTables to these credentials; it isn't needed where filter.collection.white has names only",
  });
});

// Taken from the three runtimes; each says them in its own way.
describe("why nobody answers", () => {
  const failed = (message: string, code?: string): Error => Object.assign(new TypeError(message), { code });
  const within = (message: string, code?: string): Error =>
    new TypeError("fetch failed", { cause: failed(message, code) });
  test.each<[string, RegExp, Error[]]>([
    [
      "refused",
      /refused/,
      [
        failed("ECONNREFUSED: Unable to connect. Is the computer able to access the url?", "ECONNREFUSED"),
        within("connect ECONNREFUSED 127.0.0.1:9", "ECONNREFUSED"),
        within(
          "error sending request for url (http://h/): client error (Connect): tcp connect error: Connection refused (os error 111)",
        ),
      ],
    ],
    [
      "no such name",
      /no address is known/,
      [
        failed("getaddrinfo ENOTFOUND nowhere.invalid", "ENOTFOUND"),
        within("getaddrinfo EAI_AGAIN nowhere.invalid", "EAI_AGAIN"),
        within(
          "client error (Connect): dns error: failed to lookup address information: Name or service not known",
        ),
      ],
    ],
    [
      "closed",
      /closed before an answer/,
      [
        failed(
          "ECONNRESET: The socket connection was closed unexpectedly. For more information, pass `verbose: true`",
          "ECONNRESET",
        ),
        within("other side closed", "UND_ERR_SOCKET"),
        within("client error (SendRequest): connection closed before message completed"),
        within("client error (Connect): tls handshake eof"),
      ],
    ],
    [
      "no TLS",
      /speaks no TLS/,
      [
        failed("EPROTO: The TLS handshake failed. Does the server speak TLS on this port?", "EPROTO"),
        within(
          "error:0A00010B:SSL routines:ssl3_get_record:wrong version number",
          "ERR_SSL_WRONG_VERSION_NUMBER",
        ),
        within("client error (Connect): received corrupt message of type InvalidContentType"),
      ],
    ],
    [
      "no HTTP",
      /speaks no HTTP/,
      [
        failed('Malformed_HTTP_Response fetching "http://h/"', "Malformed_HTTP_Response"),
        within("Response does not match the HTTP/1.1 protocol (Expected HTTP/)", "HPE_INVALID_CONSTANT"),
        within("client error (SendRequest): invalid HTTP version parsed"),
      ],
    ],
    [
      "a certificate",
      /certificate isn't trusted/,
      [
        failed("self signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"),
        within("self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"),
        within("client error (Connect): invalid peer certificate: UnknownIssuer"),
      ],
    ],
    [
      "a certificate of ours",
      /refuses this side's certificate/,
      [
        within(
          "ssl3_read_bytes:tlsv13 alert certificate required",
          "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        ),
        within("ssl3_read_bytes:sslv3 alert certificate expired", "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        within("ssl3_read_bytes:sslv3 alert bad certificate"),
        within("tlsv1 alert unknown ca"),
      ],
    ],
  ])("%s", (_, why, errors) => {
    for (const error of errors) expect(reasonOf(error).why).toMatch(why);
  });
});

describe("who answers instead of DynamoDB", () => {
  const http = (answer: (response: ServerResponse) => void): Server =>
    createServer((request, response) => request.resume().on("end", () => answer(response)));

  test.each<[string, Server, string, RegExp]>([
    ["a web page", http((r) => r.end("<!doctype html><p>hi")), "FAILED", /the answer is a web page: /],
    [
      "a page that isn't found",
      http((r) => r.writeHead(404).end("<p>no")),
      "FAILED",
      /web page, status 404: /,
    ],
    [
      "a redirect",
      http((r) => r.writeHead(301, { location: "https://example.com/x?y" }).end()),
      "FAILED",
      /it redirects to https:\/\/example\.com, status 301: /,
    ],
    ["another service", http((r) => r.end('{"ok":true}')), "FAILED", /has no TableNames: /],
    [
      "MongoDB",
      http((r) =>
        r.end("It looks like you are trying to access MongoDB over HTTP on the native driver port."),
      ),
      "FAILED",
      /it is a MongoDB that answers: /,
    ],
    [
      "what speaks no HTTP",
      createTcpServer((socket) => {
        // All of the request has come by then: what is closed with something unread is reset.
        socket
          .on("error", () => {})
          .once("data", () => setTimeout(() => socket.end("SSH-2.0-OpenSSH_9.2p1\r\n"), 50));
      }),
      "UNREACHABLE",
      /speaks no HTTP: /,
    ],
  ])("%s", async (_, server, kind, says) => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = testConfig({
      "source.endpoint_url": `${endpoint}/path`,
      "source.session.max_retries": "0",
    });
    const client = createClient(createContext({ config }), []);
    try {
      const thrown = await client.send(new ListTablesCommand({})).then(
        () => undefined,
        (error: unknown) => error,
      );
      const address = addressOf(config, "source", "ListTables");
      const error = callError("source", thrown, { call: "ListTables" }, { ...TRIES, address }) as Error;
      expect(error).toMatchObject({
        code: `SOURCE_${kind}`,
        hint: "see whether source.endpoint_url is a DynamoDB endpoint",
      });
      expect(error.message).toMatch(says);
      expect(error.message).toStartWith(`no DynamoDB answers at ${endpoint}, `);
    } finally {
      client.destroy();
      server.close();
    }
  });
});
