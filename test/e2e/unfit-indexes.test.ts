/** Secondary indexes that the target can't have, which the source gets while its table is migrated. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, someItems } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const MINUTE = 60_000;

/** Adds a GSI whose key has a dot. */
const addIndex = (s: Scenario, TableName: string): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "UpdateTable", {
    TableName,
    AttributeDefinitions: [{ AttributeName: "se.lf", AttributeType: "S" }],
    GlobalSecondaryIndexUpdates: [
      {
        Create: {
          IndexName: "by-self",
          KeySchema: [{ AttributeName: "se.lf", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      },
    ],
  });

/** Follows until `enough` resolves, which is called when all is copied; gives what it said at its end. */
async function followed(s: Scenario, enough: () => Promise<unknown>, plugins: Plugin[] = []) {
  const stop = new AbortController();
  const copied = Promise.withResolvers<void>();
  const settings = { sync_mode: "all", "incr_sync.http_port": -1, "qps.full.batch_num": 10 };
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(MINUTE)]);
  const done = s.attempt(settings, { plugins, signal, onFullDone: () => copied.resolve() });
  if ((await Promise.race([copied.promise, done])) === undefined) await enough();
  stop.abort(new Error("enough"));
  return (await done).stderr;
}

test.each(["read", "followed"])(
  "one that comes while its table is %s is left out by the next starts, too",
  async (when) => {
    await using s = await scenario();
    const table = await s.table("t", { gsi: { old: ["text"] }, items: someItems(60) });
    let pages = 0;
    const meanwhile: Plugin = {
      name: "meanwhile",
      setup(ctx) {
        ctx.hook("fetch:before", async ({ phase }) => {
          if (when === "read" && phase === "full" && ++pages === 3) await addIndex(s, table);
        });
      },
    };
    const add = async (): Promise<unknown> => when === "followed" && addIndex(s, table);
    expect(await followed(s, add, [meanwhile])).toContain("enough");
    for (const pk of ["one", "two"]) {
      const change = async (): Promise<void> => {
        await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: { pk: { S: pk } } });
        await eventually(async () => expect(await s.db.collection(table).countDocuments({ pk })).toBe(1));
      };
      expect(await followed(s, change)).toContain("enough");
    }
    expect(Object.keys(await s.indexes(table)).sort()).toEqual(["pk_1 unique", "pk_hashed", "text_hashed"]);
  },
);
