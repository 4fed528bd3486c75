/** Answers and their checksums. */
import { expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { checkSum } from "../../../plugins/_dynamodb/checksum.ts";

const BODY = Buffer.from('{"Items":[{"n":{"N":"1234"}}]}');
const never = { warn: () => expect.unreachable() } as never;
const answer = (headers: Record<string, string>): Response => new Response(null, { headers });

test.each<[string, Record<string, string>]>([
  ["its own checksum", { "x-amz-crc32": String(crc32(BODY)) }],
  ["none", {}],
  ["that of what was sent compressed", { "x-amz-crc32": "1", "content-encoding": "gzip" }],
])("an answer with %s passes", (_, headers) => {
  expect(() => checkSum(answer(headers), BODY, never)).not.toThrow();
});

test("one byte that was changed on its way is refused, wherever it is", () => {
  for (let i = 0; i < BODY.length; i++) {
    const changed = Buffer.from(BODY);
    changed[i]! ^= 1;
    expect(() => checkSum(answer({ "x-amz-crc32": String(crc32(BODY)) }), changed, never)).toThrow(
      expect.objectContaining({ name: "MalformedAnswerError" }),
    );
  }
});

test("the same bytes with the same wrong checksum are the sender's own error, whose sums aren't looked at from then on", () => {
  const told: string[] = [];
  const log = { warn: (message: string) => void told.push(message) };
  const check = (origin: string, body: string): void => {
    const from = { status: 200, headers: new Headers({ "x-amz-crc32": "1" }), url: `${origin}/` };
    checkSum(from, Buffer.from(body), log as never);
  };
  expect(() => check("http://wrong", "a")).toThrow("checksum");
  expect(() => check("http://wrong", "b")).toThrow("checksum");
  expect(told).toEqual([]);
  check("http://wrong", "a");
  check("http://wrong", "b");
  check("http://wrong", "c");
  expect(told).toEqual([expect.stringMatching(/^http:\/\/wrong .*x-amz-crc32/)]);
  expect(() => check("http://other", "c")).toThrow("checksum");
});

test("AWS's own is refused however often it comes", () => {
  const url = "https://dynamodb.us-east-2.amazonaws.com/";
  const answer = { status: 200, headers: new Headers({ "x-amz-crc32": "1" }), url };
  for (let n = 0; n < 3; n++) expect(() => checkSum(answer, BODY, never)).toThrow("checksum");
});

test.each([429, 500, 503])("a service in trouble is heard whatever its checksum: %d", (status) => {
  const trouble = new Response(null, { status, headers: { "x-amz-crc32": "1" } });
  expect(() => checkSum(trouble, BODY, never)).not.toThrow();
});
