/** Our signature is the SDK's. */
import { createConsola } from "consola";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createTargetClient } from "../../../plugins/_dynamodb/client.ts";
import { createSign } from "../../../plugins/_dynamodb/sign.ts";
import { testConfig } from "../../fakes/context.ts";

const QUIET = createConsola({ level: -999 });

const text = fc
  .string({ minLength: 1, maxLength: 40, unit: "grapheme-ascii" })
  .map((each) => each.trim() || "x");

test("for any request, key, token, region and time", async () => {
  const sign = createSign();
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        accessKeyId: text,
        secretAccessKey: text,
        sessionToken: fc.option(
          text.filter((token) => !token.includes("  ")),
          { nil: undefined },
        ),
      }),
      fc.constantFrom("us-east-1", "eu-west-1"),
      fc.constantFrom("/", "/a", "/a/b%20c/", "/x@y"),
      fc.uint8Array({ maxLength: 200 }),
      fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true }),
      async ({ sessionToken, ...keys }, region, path, body, date) => {
        const credentials = { ...keys, ...(sessionToken !== undefined && { sessionToken }) };
        const { config } = createTargetClient(
          {
            config: testConfig({
              "target.type": "aliyun_dynamo_proxy",
              "target.address": "host:8000",
              "target.access_key_id": keys.accessKeyId,
              "target.secret_access_key": keys.secretAccessKey,
              "target.region": region,
              ...(sessionToken !== undefined && { "target.session_token": sessionToken }),
            }),
            log: QUIET,
          },
          [],
        );
        const request = { host: "host:8000", path, target: "DynamoDB_20120810.BatchWriteItem", body, date };
        const signer = await config.signer();
        const theirs = await signer.sign(
          {
            method: "POST",
            protocol: "http:",
            hostname: "host",
            port: 8000,
            path,
            query: {},
            headers: {
              host: request.host,
              "content-type": "application/x-amz-json-1.0",
              "x-amz-target": "DynamoDB_20120810.BatchWriteItem",
            },
            body,
          },
          { signingDate: date },
        );
        expect(theirs.headers).toEqual(sign(request, credentials, region));
      },
    ),
    { numRuns: 200 },
  );
});
