/** What `init` sees of a source. */
import { expect, test } from "bun:test";
import { probeSource } from "../../../bin/init/probe.ts";
import { startStandIn } from "../../stand-in/dynamodb.ts";

/** Every DescribeTable of this table fails so. */
const failing = (table: string, error: string) =>
  startStandIn({
    tables: { here: { items: [] }, other: { items: [] } },
    misbehave: ({ operation, body }) =>
      operation === "DescribeTable" && body["TableName"] === table ? { error, status: 400 } : undefined,
  });

test("a table that is deleted while they are looked at is no choice, and no failure", async () => {
  await using source = await failing("other", "ResourceNotFoundException");
  const tables = await probeSource({ "source.endpoint_url": source.endpoint });
  expect(tables.map(({ name }) => name)).toEqual(["here"]);
});

test("one that may not be described is a failure", async () => {
  await using source = await failing("other", "AccessDeniedException");
  await expect(probeSource({ "source.endpoint_url": source.endpoint })).rejects.toMatchObject({
    code: "SOURCE_DENIED",
  });
});
