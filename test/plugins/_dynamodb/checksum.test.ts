/** Answers and their checksums. */
import { expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { checkSum } from "../../../plugins/_dynamodb/checksum.ts";

const BODY = Buffer.from('{"Items":[{"n":{"N":"1234"}}]}');
const answer = (headers: Record<string, string>): Response => new Response(null, { headers });

test.each<[string, Record<string, string>]>([
  ["its own checksum", { "x-amz-crc32": String(crc32(BODY)) }],
  ["none", {}],
  ["that of what was sent compressed", { "x-amz-crc32": "1", "content-encoding": "gzip" }],
])("an answer with %s passes", (_, headers) => {
  expect(() => checkSum(answer(headers), BODY)).not.toThrow();
});

test("one byte that was changed on its way is refused, wherever it is", () => {
  for (let i = 0; i < BODY.length; i++) {
    const changed = Buffer.from(BODY);
    changed[i]! ^= 1;
    expect(() => checkSum(answer({ "x-amz-crc32": String(crc32(BODY)) }), changed)).toThrow(
      expect.objectContaining({ name: "MalformedAnswerError" }),
    );
  }
});
