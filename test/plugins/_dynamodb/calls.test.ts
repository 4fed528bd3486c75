/** For how long a call is made again that somebody else than DynamoDB answers. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createCalls } from "../../../plugins/_dynamodb/calls.ts";
import { strangeAnswer } from "../../../plugins/_dynamodb/stranger.ts";
import { createContext } from "../../../core/run/context.ts";
import { testConfig } from "../../fakes/context.ts";

setDefaultTimeout(180_000);

const SECOND = 1000;
const PAUSES = { firstPause: 1, longestPause: 5, steady: 0 };
const forever = new AbortController().signal;
const strange = (status: number): Error =>
  strangeAnswer({
    status,
    headers: new Headers({ location: "/maintenance" }),
    body: Buffer.from("<html>back soon"),
  })!;

/** Fails with answers of these statuses, one after the other, then succeeds. */
function failing(statuses: number[]): () => Promise<string> {
  const left = statuses.map(strange);
  return async () => {
    const error = left.shift();
    if (error !== undefined) throw error;
    return "answer";
  };
}

test.each([301, 302, 307, 500, 502, 503])("status %d in the midst of a run is sat out", async (status) => {
  const ctx = createContext({ config: testConfig(), patience: 10 * SECOND });
  const calls = createCalls(ctx, "source", { pauses: PAUSES });
  const asked = calls({ call: "GetRecords", table: "t" }, forever, failing([status, status]));
  expect(await asked).toBe("answer");
});

test.each([204, 400, 404, 413])("status %d ends the run at once", async (status) => {
  const ctx = createContext({ config: testConfig(), patience: 10 * SECOND });
  const calls = createCalls(ctx, "source", { pauses: PAUSES });
  const asked = calls({ call: "GetRecords", table: "t" }, forever, failing([status]));
  await expect(asked).rejects.toMatchObject({ code: "SOURCE_FAILED" });
});

/** What comes of a run at whose start a page of a status is answered for longer than the first contact's 3 s. */
async function begun(status: number): Promise<unknown> {
  const ctx = createContext({ config: testConfig(), patience: 20 * SECOND });
  const calls = createCalls(ctx, "source", { pauses: PAUSES, first: true });
  const began = performance.now();
  const asked = calls({ call: "ListTables" }, forever, async () => {
    if (performance.now() - began < 3.5 * SECOND) throw strange(status);
    return "answer";
  });
  return asked.catch((error: unknown) => error);
}

test("at the start a balancer that reaches nobody is waited for, who else answers is told", async () => {
  const ends = await Promise.all([502, 503, 504, 302, 500].map(begun));
  expect(ends.slice(0, 3)).toEqual(["answer", "answer", "answer"]);
  for (const end of ends.slice(3)) {
    expect(end).toMatchObject({
      code: "SOURCE_FAILED",
      message: expect.stringMatching(/^no DynamoDB answers at .*ListTables, tried for 3 s$/),
    });
  }
});
