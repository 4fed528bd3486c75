/** Writes to a scripted endpoint: nothing is missing, whatever it leaves undone, throttles, loses or refuses. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Item, SourceRecord } from "../../../../core/types.ts";
import { startTarget, type TargetOptions, type WriteRequest } from "../../../stand-in/dynamodb-target.ts";
import type { Call, Misbehaviour } from "../../../stand-in/protocol.ts";
import { encoded, numberedItems, openTable, puts, tab, unitOf } from "./proxy.ts";

setDefaultTimeout(180_000);

const sizes = (calls: Call[]): number[] =>
  calls
    .filter(({ operation }) => operation === "BatchWriteItem")
    .map(({ body }) => (Object.values(body["RequestItems"] as object)[0] as unknown[]).length);

const throttled: Misbehaviour = { error: "ProvisionedThroughputExceededException" };
const writesOnly =
  (fate: (number: number) => Misbehaviour | undefined): NonNullable<TargetOptions["misbehave"]> =>
  ({ operation, number }) =>
    operation === "BatchWriteItem" ? fate(number) : undefined;

test("encoded items go out byte for byte", async () => {
  await using endpoint = await startTarget();
  await using open = await openTable(endpoint.endpoint);
  const items: Item[] = [
    { pk: { S: 'é"\\/' }, n: { N: "12345678901234567890123456789012345678" }, e: { S: "" } },
    { pk: { S: "2" }, m: { M: { __proto__x: { SS: ["b", "a"] } } }, b: { BS: ["AQ==", "Ag=="] } },
  ];
  const result = await open.target.writeEncoded!(encoded(items), open.ctx.abandon);
  expect(result).toMatchObject({ inserted: 2, replaced: 0, deleted: 0, duplicates: 0 });
  const [first, second] = items.map((item) => JSON.stringify(item));
  expect(endpoint.calls.at(-1)!.text).toBe(
    `{"RequestItems":{"tab":[{"PutRequest":{"Item":${first}}},{"PutRequest":{"Item":${second}}}]}}`,
  );
});

test("the same item on the way of records", async () => {
  await using endpoint = await startTarget();
  await using open = await openTable(endpoint.endpoint);
  const records = puts(numberedItems(60));
  const result = await open.target.write({ unit: unitOf(tab()), records }, open.ctx.abandon);
  expect(result).toMatchObject({ inserted: 60 });
  expect(sizes(endpoint.calls).toSorted((a, b) => b - a)).toEqual([25, 25, 10]);
  expect(endpoint.items("tab")).toHaveLength(60);
});

test("a request has 16 MB at most", async () => {
  await using endpoint = await startTarget();
  await using open = await openTable(endpoint.endpoint, tab(), { "source.session.timeout": "30000" });
  const text = "\u0001".repeat(390 * 1024); // six bytes each in JSON
  const items = numberedItems(9).map((item) => ({ ...item, text: { S: text } }));
  await open.target.writeEncoded!(encoded(items), open.ctx.abandon);
  expect(endpoint.items("tab")).toHaveLength(9);
  for (const { text: sent } of endpoint.calls) expect(sent.length).toBeLessThan(16 * 1024 * 1024);
});

describe("what is left unprocessed is sent again", () => {
  test("a third of each request, in any order, every tenth call throttled: nothing is missing", async () => {
    const undone = (writes: WriteRequest[]): WriteRequest[] =>
      writes.slice(0, Math.floor(writes.length / 3)).toReversed();
    await using endpoint = await startTarget({
      undone,
      misbehave: writesOnly((number) => (number % 10 === 0 ? throttled : undefined)),
    });
    await using open = await openTable(endpoint.endpoint);
    const items = numberedItems(500);
    for (let at = 0; at < items.length; at += 25) {
      await open.target.writeEncoded!(encoded(items.slice(at, at + 25)), open.ctx.abandon);
    }
    expect(
      endpoint
        .items("tab")
        .map(({ n }) => Number((n as { N: string }).N))
        .toSorted((a, b) => a - b),
    ).toEqual(items.map((_, n) => n));
    const counters = open.ctx.progress.tables.get("tab")!;
    expect(counters.throttles).toBeGreaterThan(20);
    expect(counters.trouble).toMatchObject({ what: "throttled" });
  });

  test("numbers are matched by value, and deletes by their key", async () => {
    const table = tab("pk:N");
    let first = true;
    await using endpoint = await startTarget({
      undone(writes) {
        if (!first) return [];
        first = false;
        return writes.slice(0, 1);
      },
      // as a service that writes numbers in its own way
      misbehave: writesOnly((number) =>
        number === 1
          ? { result: { UnprocessedItems: { tab: [{ DeleteRequest: { Key: { pk: { N: "1" } } } }] } } }
          : undefined,
      ),
    });
    await using open = await openTable(endpoint.endpoint, table);
    const [key, other] = [{ pk: { N: "1.0" } }, { pk: { N: "2" } }];
    const records: SourceRecord[] = [
      { op: "delete", event: "REMOVE", keys: key, key },
      { op: "put", event: "INSERT", keys: other, key: other, document: other },
    ];
    const result = await open.target.apply!({ unit: unitOf(table), records }, open.ctx.abandon);
    expect(result).toMatchObject({ deleted: 1, inserted: 1 });
    expect(sizes(endpoint.calls)).toEqual([2, 1, 1]);
  });

  test("none taken, again and again: the run ends, and says throttled", async () => {
    await using endpoint = await startTarget({ undone: (writes) => writes });
    await using open = await openTable(endpoint.endpoint, tab(), {}, 200);
    const writing = open.target.writeEncoded!(encoded(numberedItems(3)), open.ctx.abandon);
    await expect(writing).rejects.toMatchObject({
      code: "TARGET_THROTTLED",
      message: expect.stringContaining("table tab, tried for 1 s"),
    });
  });

  test("an end of the run ends it", async () => {
    await using endpoint = await startTarget({ undone: (writes) => writes.slice(0, 1) });
    await using open = await openTable(endpoint.endpoint);
    const writing = open.target.writeEncoded!(encoded(numberedItems(2)), open.ctx.abandon);
    setTimeout(() => open.stop.abort(new Error("enough")), 300);
    await expect(writing).rejects.toThrow();
  });
});

describe("what may pass is sent again", () => {
  test.each<[string, Misbehaviour]>([
    ["throttled", throttled],
    ["429", { text: "slow down", status: 429 }],
    ["500", { error: "InternalServerError", status: 500 }],
    ["a lost answer", "cut"],
    ["a closed connection", "hang up"],
    ["nonsense", { text: "<html>hello</html>" }],
    ["another object", { result: { message: "ok" } }],
    [
      "what was never sent",
      { result: { UnprocessedItems: { tab: [{ PutRequest: { Item: { pk: { S: "?" } } } }] } } },
    ],
  ])("%s", async (_, fate) => {
    await using endpoint = await startTarget({
      misbehave: writesOnly((number) => (number <= 2 ? fate : undefined)),
    });
    await using open = await openTable(endpoint.endpoint);
    await open.target.writeEncoded!(encoded(numberedItems(25)), open.ctx.abandon);
    expect(endpoint.items("tab")).toHaveLength(25);
    expect(sizes(endpoint.calls)).toEqual([25, 25, 25]);
    expect(open.ctx.progress.tables.get("tab")!.retries).toBe(2);
  });

  test("a slow answer is waited for longer than source.session.timeout: it may still be written", async () => {
    await using endpoint = await startTarget({ misbehave: writesOnly(() => ({ delayMs: 600 })) });
    await using open = await openTable(endpoint.endpoint, tab(), { "source.session.timeout": "200" });
    await open.target.writeEncoded!(encoded(numberedItems(25)), open.ctx.abandon);
    expect(sizes(endpoint.calls)).toEqual([25]);
  });

  test.each<[string, Misbehaviour, string]>([
    ["no right", { error: "AccessDeniedException" }, "TARGET_DENIED"],
    ["bad keys", { error: "UnrecognizedClientException" }, "TARGET_DENIED"],
    ["throttled for ever", throttled, "TARGET_THROTTLED"],
    ["gone for ever", "hang up", "TARGET_UNREACHABLE"],
    ["the table is gone", { error: "ResourceNotFoundException" }, "TARGET_FAILED"],
  ])("%s: not for ever", async (_, fate, code) => {
    await using endpoint = await startTarget({ misbehave: writesOnly(() => fate) });
    await using open = await openTable(endpoint.endpoint, tab(), {}, 100);
    const writing = open.target.writeEncoded!(encoded(numberedItems(2)), open.ctx.abandon);
    await expect(writing).rejects.toMatchObject({ code, hint: expect.stringMatching(/\S/) });
  });
});

describe("what the service refuses", () => {
  test("is named, and the items beside it are written", async () => {
    const refuse = ({ PutRequest }: WriteRequest): string | undefined =>
      (PutRequest?.Item["n"] as { N?: string })?.N === "7" ? "Item size has exceeded the maximum" : undefined;
    await using endpoint = await startTarget({ refuse });
    await using open = await openTable(endpoint.endpoint);
    const writing = open.target.writeEncoded!(encoded(numberedItems(20)), open.ctx.abandon);
    await expect(writing).rejects.toMatchObject({
      code: "DATA_UNFIT",
      message: expect.stringMatching(
        /Item size has exceeded the maximum.*table tab, key \{"pk":\{"S":"k7"\}\}/,
      ),
    });
    expect(endpoint.items("tab")).toHaveLength(7);
  });

  test("a key twice in one batch: the last one wins, numbers by their value", async () => {
    const table = tab("pk:N");
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint, table);
    const items: Item[] = ["1", "2", "1.0", "1e0"].map((N, i) => ({ pk: { N }, v: { S: String(i) } }));
    const result = await open.target.write(
      { unit: unitOf(table), records: puts(items, table) },
      open.ctx.abandon,
    );
    expect(result).toMatchObject({ inserted: 4 });
    expect(endpoint.items("tab").map(({ v }) => v)).toEqual([{ S: "3" }, { S: "1" }]);
  });

  test("the same encoded: one by one, in order", async () => {
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint);
    const twice = [...numberedItems(2), { pk: { S: "k0" }, n: { N: "9" } }];
    await open.target.writeEncoded!(encoded(twice), open.ctx.abandon);
    expect(endpoint.items("tab")).toEqual([twice[2]!, twice[1]!]);
  });
});

test("changes, many at once, in any weather: as a map would be", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ put: fc.boolean(), n: fc.integer({ min: 0, max: 200 }) }), { maxLength: 300 }),
      fc.integer({ min: 2, max: 6 }),
      async (changes, every) => {
        await using endpoint = await startTarget({
          undone: (writes, { number }) => (number % every === 0 ? writes.slice(1) : []),
          misbehave: writesOnly((number) => (number % (every + 1) === 0 ? "cut" : undefined)),
        });
        await using open = await openTable(endpoint.endpoint);
        const last = new Map(changes.map((change) => [change.n, change]));
        const records = [...last.values()].map(({ put, n }): SourceRecord => {
          const key = { pk: { S: `k${n}` } };
          if (!put) return { op: "delete", event: "REMOVE", keys: key, key };
          return { op: "put", event: "MODIFY", keys: key, key, document: { ...key, n: { N: `${n}` } } };
        });
        await open.target.apply!({ unit: unitOf(tab()), records }, open.ctx.abandon);
        const expected = [...last.values()].filter(({ put }) => put).map(({ n }) => `k${n}`);
        const found = endpoint.items("tab").map(({ pk }) => (pk as { S: string }).S);
        expect(found.toSorted()).toEqual(expected.toSorted());
      },
    ),
    { numRuns: 15 },
  );
});
