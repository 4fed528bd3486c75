/** GSIs at a scripted endpoint that an item can't be in: left out, and made after the data. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Item, Table } from "../../../../core/types.ts";
import { startTarget, type Table as Made, type WriteRequest } from "../../../stand-in/dynamodb-target.ts";
import { openTable, puts, tab, unitOf } from "./proxy.ts";

setDefaultTimeout(180_000);

const indexed = (): Table =>
  tab("pk", undefined, {
    secondary: [
      { name: "byAge", kind: "GSI", partition: { name: "age", type: "N" } },
      { name: "byName", kind: "GSI", partition: { name: "name", type: "S" } },
    ],
  });

const namesOf = ({ request }: Made): string[] =>
  ((request["GlobalSecondaryIndexes"] ?? []) as { IndexName: string }[]).map(({ IndexName }) => IndexName);

/** As the service: a key attribute of an index that is there has its type. */
function mismatch({ PutRequest }: WriteRequest, table: Made): string | undefined {
  const age = PutRequest?.Item["age"];
  return age !== undefined && !("N" in age) && namesOf(table).includes("byAge")
    ? "Type mismatch for Index Key age Expected: N Actual: L IndexName: byAge"
    : undefined;
}

const items = (count: number): Item[] =>
  Array.from({ length: count }, (_, n) => ({
    pk: { S: `k${n}` },
    name: { S: "x" },
    age: n % 7 === 3 ? { L: [{ N: "1" }] } : { N: String(n) },
  }));

test("in the full phase: the items are written, and the index is made after them", async () => {
  await using endpoint = await startTarget({ refuse: mismatch });
  const table = indexed();
  await using open = await openTable(endpoint.endpoint, table);
  const made = endpoint.tables.get("tab")!;
  const records = puts(items(60), table);
  const result = await open.target.write({ unit: unitOf(table), records }, open.ctx.abandon);
  expect(result).toMatchObject({ inserted: 60 });
  expect(endpoint.items("tab")).toHaveLength(60);
  expect(namesOf(made)).toEqual(["byName"]);
  expect(await open.target.index(table, [], { signal: open.ctx.signal })).toBe(2);
  expect(namesOf(made)).toEqual(["byName", "byAge"]);
  const [removed, added, ...more] = endpoint.calls.filter(({ operation }) => operation === "UpdateTable");
  expect(removed!.body["GlobalSecondaryIndexUpdates"]).toEqual([{ Delete: { IndexName: "byAge" } }]);
  expect(added!.body["AttributeDefinitions"]).toContainEqual({ AttributeName: "age", AttributeType: "N" });
  expect(more).toEqual([]);
});

test("in the incremental phase: the change is applied, and the index left out", async () => {
  await using endpoint = await startTarget({ refuse: mismatch });
  const table = indexed();
  await using open = await openTable(endpoint.endpoint, table);
  const records = puts(items(10), table).map((record) => ({ ...record, event: "MODIFY" as const }));
  const unit = { phase: "incr", table, shard: "s" } as const;
  expect(await open.target.apply!({ unit, records }, open.ctx.abandon)).toMatchObject({ replaced: 10 });
  expect(endpoint.items("tab")).toHaveLength(10);
  expect(namesOf(endpoint.tables.get("tab")!)).toEqual(["byName"]);
});

test.each<[string, Item]>([
  ["a partition key of more than 2048 bytes", { name: { S: "ü".repeat(1025) } }],
  [
    "a sort key of more than 1024 bytes",
    { name: { S: "x" }, since: { B: Buffer.alloc(1025).toString("base64") } },
  ],
  ["an empty key", { name: { S: "" } }],
])("what the service doesn't index because of its length: %s", async (_, attributes) => {
  const table = tab("pk", undefined, {
    secondary: [
      {
        name: "byName",
        kind: "GSI",
        partition: { name: "name", type: "S" },
        sort: { name: "since", type: "B" },
      },
    ],
  });
  await using endpoint = await startTarget({
    refuse: ({ PutRequest }, made) =>
      JSON.stringify(PutRequest?.Item["pk"]) === '{"S":"unfit"}' && namesOf(made).includes("byName")
        ? "Size of hashkey has exceeded the maximum size limit of2048 bytes"
        : undefined,
  });
  await using open = await openTable(endpoint.endpoint, table);
  const fits = { name: { S: "ü".repeat(1024) }, since: { B: Buffer.alloc(1024).toString("base64") } };
  const records = puts(
    [
      { pk: { S: "fits" }, ...fits },
      { pk: { S: "unfit" }, ...attributes },
    ],
    table,
  );
  await open.target.write({ unit: unitOf(table), records }, open.ctx.abandon);
  expect(endpoint.items("tab")).toHaveLength(2);
  expect(await open.target.index(table, [], { signal: open.ctx.signal })).toBe(1);
});

test("an index that the service doesn't make after the data is left out", async () => {
  await using endpoint = await startTarget({
    refuse: mismatch,
    misbehave: ({ operation, body }) =>
      operation === "UpdateTable" && JSON.stringify(body).includes("Create")
        ? { error: "ValidationException" }
        : undefined,
  });
  const table = indexed();
  await using open = await openTable(endpoint.endpoint, table);
  const records = puts(items(10), table);
  await open.target.write({ unit: unitOf(table), records }, open.ctx.abandon);
  expect(await open.target.index(table, [], { signal: open.ctx.signal })).toBe(1);
});

test("an item that is refused for another reason is named as ever, and no index touched", async () => {
  await using endpoint = await startTarget({ refuse: () => "not this one" });
  const table = indexed();
  await using open = await openTable(endpoint.endpoint, table);
  const records = puts(items(1), table);
  await expect(open.target.write({ unit: unitOf(table), records }, open.ctx.abandon)).rejects.toMatchObject({
    code: "DATA_UNFIT",
    message: expect.stringContaining("not this one"),
  });
  expect(namesOf(endpoint.tables.get("tab")!)).toEqual(["byAge", "byName"]);
});
