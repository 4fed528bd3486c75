/** What a shard's reader tells of its tip. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { loadConfig } from "../../../../core/config/load.ts";
import { createContext } from "../../../../core/run/context.ts";
import dynamodbStreams from "../../../../plugins/source/dynamodb-streams.ts";
import { testTable } from "../../../fakes/context.ts";
import { startStreams } from "../../../stand-in/streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

test("an answer with as many records as a hook has asked for isn't the tip", async () => {
  await using streams = await startStreams({ tables: ["t"] });
  const [shard] = streams.open("t");
  const set = {
    "target.address": "mongodb://127.0.0.1:1",
    "source.endpoint_url": streams.source.endpoint,
    sync_mode: "all",
  };
  await using ctx = createContext({ config: loadConfig({ set }).config });
  await ctx.use(dynamodbStreams);
  const table = testTable("pk");
  await ctx.role("streams").open(table, ctx.signal);
  const reader = ctx.role("streams").read({ phase: "incr", table, shard: shard! }, { at: "horizon" });
  for (let n = 0; n < 60; n++) streams.put("t", { pk: { S: `k${n}` } });
  const beforeRequest = async (request: object): Promise<void> => void Object.assign(request, { Limit: 10 });
  const pages: [number, boolean][] = [];
  do {
    const { records, tip } = await reader.poll({ beforeRequest, signal: ctx.signal });
    pages.push([records.length, tip]);
  } while (!pages.at(-1)![1]);
  expect(pages.slice(0, 2)).toEqual([
    [10, false],
    [10, false],
  ]);
  expect(pages.at(-1)![0]).toBeLessThan(10);
});
