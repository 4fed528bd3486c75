/** Tables at a scripted endpoint: made, waited for, deleted, looked at, counted. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { SecondaryIndex, Table } from "../../../../core/types.ts";
import same from "../../../../plugins/convert/same.ts";
import { keyAttribute } from "../../../fakes/context.ts";
import { startTarget } from "../../../stand-in/dynamodb-target.ts";
import type { Misbehaviour } from "../../../stand-in/protocol.ts";
import { encoded, numberedItems, openTable, openTarget, puts, tab, unitOf } from "./proxy.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const index = (kind: "GSI" | "LSI", name: string, partition: string, sort?: string): SecondaryIndex => ({
  name,
  kind,
  partition: keyAttribute(partition),
  ...(sort && { sort: keyAttribute(sort) }),
});

const indexed = (): Table =>
  tab("pk", "sk:N", {
    secondary: [
      {
        ...index("GSI", "byMail", "mail", "at:N"),
        projection: { type: "INCLUDE", attributes: ["x", "pk2"] },
      },
      index("LSI", "byTime", "pk", "at:N"),
    ],
  });

const names = (request: Record<string, unknown>): string[] =>
  (request["AttributeDefinitions"] as { AttributeName: string }[]).map(({ AttributeName }) => AttributeName);

describe("a table is made", () => {
  test("with its keys, definitions, GSIs and LSIs, on demand", async () => {
    await using endpoint = await startTarget();
    await using _ = await openTable(endpoint.endpoint, indexed());
    const { request } = endpoint.tables.get("tab")!;
    expect(request).toMatchObject({
      TableName: "tab",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "byMail",
          KeySchema: [
            { AttributeName: "mail", KeyType: "HASH" },
            { AttributeName: "at", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["x", "pk2"] },
        },
      ],
      LocalSecondaryIndexes: [{ IndexName: "byTime", Projection: { ProjectionType: "ALL" } }],
    });
    expect(names(request)).toEqual(["pk", "sk", "mail", "at"]);
    expect(request).not.toHaveProperty("ProvisionedThroughput");
  });

  test("without full.enable_index.user without them, and with no definitions but the key's", async () => {
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint, indexed(), { "full.enable_index.user": "false" });
    const { request } = endpoint.tables.get("tab")!;
    expect(names(request)).toEqual(["pk", "sk"]);
    expect(request).not.toHaveProperty("GlobalSecondaryIndexes");
    expect(request).not.toHaveProperty("LocalSecondaryIndexes");
    expect(await open.target.index(indexed(), [], { signal: open.ctx.signal })).toBe(0);
  });

  test("under the target's names, wherever an attribute is a key", async () => {
    const table = indexed();
    table.targetName = "other.name";
    table.keys.partition.targetName = "id";
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint, table);
    const { request } = endpoint.tables.get("other.name")!;
    expect(names(request)).toEqual(["id", "sk", "mail", "at"]);
    expect(request["LocalSecondaryIndexes"]).toMatchObject([{ KeySchema: [{ AttributeName: "id" }, {}] }]);
    expect(await open.target.index(table, [], { signal: open.ctx.signal })).toBe(2);
  });

  test("without billing on demand where the service knows none", async () => {
    await using endpoint = await startTarget({
      misbehave: ({ operation, body }) =>
        operation === "CreateTable" && body["BillingMode"]
          ? { error: "ValidationException", message: "Unrecognized parameter: BillingMode" }
          : undefined,
    });
    await using _ = await openTable(endpoint.endpoint, indexed());
    const { request } = endpoint.tables.get("tab")!;
    const ProvisionedThroughput = {
      ReadCapacityUnits: expect.any(Number),
      WriteCapacityUnits: expect.any(Number),
    };
    expect(request).not.toHaveProperty("BillingMode");
    expect(request).toMatchObject({
      ProvisionedThroughput,
      GlobalSecondaryIndexes: [{ ProvisionedThroughput }],
    });
  });

  test("another complaint is an error", async () => {
    await using endpoint = await startTarget({
      misbehave: ({ operation }) =>
        operation === "CreateTable" ? { error: "ValidationException", message: "no" } : undefined,
    });
    await expect(openTable(endpoint.endpoint)).rejects.toMatchObject({ code: "TARGET_FAILED" });
  });

  test("when the service has time, and is waited for until it is ACTIVE", async () => {
    await using endpoint = await startTarget({
      statuses: ["CREATING", "CREATING"],
      misbehave: ({ operation, number }) =>
        operation === "CreateTable" && number < 3 ? { error: "LimitExceededException" } : undefined,
    });
    await using open = await openTable(endpoint.endpoint);
    expect(endpoint.count("CreateTable")).toBe(3);
    expect(endpoint.count("DescribeTable")).toBe(3);
    expect(await open.target.find(tab(), open.ctx.signal)).toBe(endpoint.tables.get("tab")!.id);
  });

  test("an own leftover is fine as long as it is empty", async () => {
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint);
    await open.target.create(tab(), open.ctx.signal);
    await open.target.writeEncoded!(encoded(numberedItems(1)), open.ctx.abandon);
    await expect(open.target.create(tab(), open.ctx.signal)).rejects.toMatchObject({ code: "TARGET_EXISTS" });
  });
});

describe("what is there", () => {
  test("is found, and makes room", async () => {
    await using endpoint = await startTarget();
    await using open = await openTarget(endpoint.endpoint, { "target.db.exist": "drop" });
    const { signal } = open.ctx;
    expect(await open.target.find(tab(), signal)).toBeUndefined();
    await open.target.create(tab(), signal);
    const first = await open.target.find(tab(), signal);
    await open.target.makeRoom(tab(), signal);
    expect(await open.target.find(tab(), signal)).toBeUndefined();
    await open.target.create(tab(), signal);
    expect(await open.target.find(tab(), signal)).not.toBe(first);
  });

  test("a table that is being deleted is waited for", async () => {
    await using endpoint = await startTarget({ statuses: ["ACTIVE", "DELETING", "DELETING"] });
    await using open = await openTable(endpoint.endpoint);
    setTimeout(() => endpoint.tables.clear(), 200);
    expect(await open.target.find(tab(), open.ctx.signal)).toBeUndefined();
    expect(endpoint.count("DescribeTable")).toBeGreaterThan(2);
  });

  test("a table in use is deleted as soon as it can be", async () => {
    await using endpoint = await startTarget({
      misbehave: ({ operation, number }) =>
        operation === "DeleteTable" && number < 3 ? { error: "ResourceInUseException" } : undefined,
    });
    await using open = await openTable(endpoint.endpoint);
    await open.target.makeRoom(tab(), open.ctx.signal);
    expect(endpoint.tables.size).toBe(0);
  });

  test("is counted and listed by consistent reads", async () => {
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint);
    const { signal, abandon } = open.ctx;
    expect(await open.target.count(tab(), signal)).toBe(0);
    await open.target.write({ unit: unitOf(tab()), records: puts(numberedItems(30)) }, abandon);
    expect(await open.target.count(tab(), signal)).toBe(30);
    const found = await Array.fromAsync(open.target.keys!(tab(), signal));
    // Two requests carry them, and either may come first.
    const keysOf = (items: Record<string, unknown>[]): string[] =>
      items.map(({ pk }) => JSON.stringify(pk)).sort();
    expect(keysOf(found.flat())).toEqual(keysOf(numberedItems(30)));
    const scans = endpoint.calls.filter(({ operation }) => operation === "Scan");
    expect(scans.every(({ body }) => body["ConsistentRead"] === true)).toBe(true);
    expect(scans.at(-1)!.body).toMatchObject({
      ProjectionExpression: "#k0",
      ExpressionAttributeNames: { "#k0": "pk" },
    });
  });
});

describe("check refuses", () => {
  const unreachable: Misbehaviour = "hang up";

  test.each<[string, Table[], string]>([
    ["a short name", [tab("pk", undefined, { targetName: "t" })], '"t" has not 3 to 255'],
    ["a long name", [tab("pk", undefined, { targetName: "x".repeat(256) })], "has not 3 to 255"],
    ["an odd character", [tab("pk", undefined, { targetName: "a b c" })], "a b c"],
    ["one name twice", [tab(), tab("pk", undefined, { name: "two" })], "tables tab and two both go to tab"],
  ])("%s", async (_, tables, message) => {
    await using endpoint = await startTarget();
    await using open = await openTarget(endpoint.endpoint);
    await expect(open.target.check(tables, open.ctx.signal)).rejects.toMatchObject({
      code: "TABLE_UNFIT",
      message: expect.stringContaining(message),
    });
    expect(endpoint.calls).toEqual([]);
  });

  test("a target that is one of the sources, under whatever name it is written", async () => {
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint);
    const { id } = endpoint.tables.get("tab")!;
    const own = [tab("pk", undefined, { id })];
    const crossed = [
      tab("pk", undefined, { id: "another" }),
      tab("pk", undefined, { name: "two", targetName: "two", id }),
    ];
    for (const tables of [own, crossed]) {
      await expect(open.target.check(tables, open.ctx.signal)).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("the target is the source"),
        exit: 2,
      });
    }
    // a copy beside it is no harm
    await open.target.check([tab("pk", undefined, { targetName: "copy", id })], open.ctx.signal);
  });

  test("to make room where a table is protected, before any is deleted", async () => {
    await using endpoint = await startTarget();
    await using open = await openTable(endpoint.endpoint);
    const both = [tab(), tab("pk", undefined, { name: "two", targetName: "two" })];
    await open.target.create(both[1]!, open.ctx.signal);
    await open.target.checkRoom!(both, open.ctx.signal);
    endpoint.tables.get("two")!.request["DeletionProtectionEnabled"] = true;
    await expect(open.target.checkRoom!(both, open.ctx.signal)).rejects.toMatchObject({
      code: "TARGET_EXISTS",
      message: expect.stringContaining("two is protected"),
    });
    expect([...endpoint.tables.keys()]).toEqual(["tab", "two"]);
  });

  test("who doesn't answer, at once", async () => {
    await using endpoint = await startTarget({ misbehave: () => unreachable });
    await using open = await openTarget(endpoint.endpoint, { "source.session.max_retries": "1" }, 60_000);
    const started = performance.now();
    await expect(open.target.check([tab()], open.ctx.signal)).rejects.toMatchObject({
      code: "TARGET_UNREACHABLE",
      hint: expect.stringContaining("target.address"),
    });
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

test("what same makes is what is written", async () => {
  await using endpoint = await startTarget();
  await using open = await openTable(endpoint.endpoint);
  await open.ctx.use(same);
  const [record] = puts([{ pk: { S: "a" }, n: { N: "1.50" } }]);
  const records = [{ ...record!, key: undefined, document: undefined } as never];
  open.ctx.role("convert").convert(records, tab());
  await open.target.write({ unit: unitOf(tab()), records }, open.ctx.abandon);
  expect(endpoint.items("tab")).toEqual([{ pk: { S: "a" }, n: { N: "1.50" } }]);
});
