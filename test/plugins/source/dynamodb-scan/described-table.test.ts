/** Tables as DescribeTable tells of them, and as CreateTable is told of them. */
import { expect, test } from "bun:test";
import type { KeySchemaElement, TableDescription } from "@aws-sdk/client-dynamodb";
import { indexPattern, planIndexes } from "../../../../core/schema/indexes.ts";
import change from "../../../../plugins/convert/change.ts";
import { describedTable } from "../../../../plugins/source/dynamodb-scan/described-table.ts";
import { createRequest } from "../../../../plugins/target/aliyun-dynamo-proxy/schema.ts";
import { setUpConverter } from "../../../fakes/context.ts";

const key = (hash: string[], range: string[] = []): KeySchemaElement[] => [
  ...hash.map((AttributeName) => ({ AttributeName, KeyType: "HASH" as const })),
  ...range.map((AttributeName) => ({ AttributeName, KeyType: "RANGE" as const })),
];
const [HASH, RANGE] = [
  ["h4", "h2", "h3", "h1"],
  ["r2", "r1", "r4", "r3"],
];
const INDEXES = {
  all: key(HASH, RANGE),
  hash: key(["h2", "h1"]),
  range: key(["h1"], ["r1", "pk"]),
};

const DESCRIPTION: TableDescription = {
  TableName: "t",
  KeySchema: key(["pk"], ["sk"]),
  AttributeDefinitions: ["pk", "sk", ...HASH, ...RANGE].map((AttributeName) => ({
    AttributeName,
    AttributeType: AttributeName.endsWith("1") ? "N" : "S",
  })),
  GlobalSecondaryIndexes: Object.entries(INDEXES).map(([IndexName, KeySchema]) => ({
    IndexName,
    KeySchema,
    Projection: { ProjectionType: "ALL" },
  })),
};

test("a GSI of up to four attributes of each kind comes out as it went in", () => {
  const table = describedTable(structuredClone(DESCRIPTION));
  const request = createRequest(table, { secondary: true, billing: "PAY_PER_REQUEST" });
  expect(request.KeySchema).toEqual(DESCRIPTION.KeySchema);
  expect(request.GlobalSecondaryIndexes!.map(({ KeySchema }) => KeySchema)).toEqual(Object.values(INDEXES));
  const byName = (definitions: TableDescription["AttributeDefinitions"]) =>
    Object.fromEntries(
      definitions!.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
    );
  expect(byName(request.AttributeDefinitions)).toEqual(byName(DESCRIPTION.AttributeDefinitions));
});

test("and is indexed over all of them, in their order", async () => {
  const table = describedTable(structuredClone(DESCRIPTION));
  const planned = planIndexes(table, await setUpConverter(change), true);
  expect(planned.filter(({ origin }) => origin === "user").map(indexPattern)).toEqual([
    "h4_hashed_h2_1_h3_1_h1_1",
    "h4_1_h2_1_h3_1_h1_1_r2_1_r1_1_r4_1_r3_1",
    "h2_hashed_h1_1",
    "h1_hashed",
    "h1_1_r1_1_pk_1",
  ]);
});
