/** Comparisons of what has a form of its own: typed documents that expire, keys with line separators. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { dynamo, scenario, someItems } from "./helpers.ts";

setDefaultTimeout(120_000);

test("an expired item that is gone from the source is counted apart in the typed form, too", async () => {
  await using s = await scenario();
  const old = { pk: { S: "old" }, ttl: { N: String(Math.floor(Date.now() / 1000) - 3600) } };
  const t = await s.table("t", { items: [...someItems(3), old] });
  const settings = { "convert.type": "raw" };
  await s.migrate(settings);
  await dynamo(s.dynamoEndpoint, "DeleteItem", { TableName: t, Key: { pk: { S: "old" } } });
  // Only now: the server deletes what has expired itself.
  await dynamo(s.dynamoEndpoint, "UpdateTimeToLive", {
    TableName: t,
    TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" },
  });
  expect([...(await s.verify(settings)).tables.values()]).toMatchObject([{ expired: 1, extra: 0 }]);
});

test("a key with a line separator that is missing", async () => {
  await using s = await scenario();
  const t = await s.table("t", { items: [...someItems(3), { pk: { S: "a\u2028b" }, n: { N: "1" } }] });
  await s.migrate({});
  await s.db.collection(t).deleteOne({ pk: "a\u2028b" });
  expect([...(await s.verify({})).tables.values()]).toMatchObject([{ missing: 1 }]);
});
