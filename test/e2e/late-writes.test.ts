/** Writes that the server carries out late, since their connection was cut meanwhile: newer ones wait for them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { type ConfigInput, migrate } from "nimo-shake";
import { type Mongod, startMongod } from "../servers/mongod.ts";
import { startMongoProxy } from "../stand-in/mongo-proxy.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, someItems } from "./helpers.ts";

const SECOND = 1000;
setDefaultTimeout(120 * SECOND);
/** So long the server is busy with the one write. */
const SLOW = 4 * SECOND;

let mongod: Mongod;
let client: MongoClient;
beforeAll(async () => {
  mongod = await startMongod({ own: true, args: ["--setParameter", "enableTestCommands=1"] });
  client = await new MongoClient(mongod.uri).connect();
});
afterAll(async () => {
  await client?.close();
  await mongod?.stop();
});

test.each(["update", "delete"])(
  "a connection is cut in the midst of %s statements: what comes after it stays",
  async (command) => {
    await using proxy = await startMongoProxy(mongod.uri);
    await using s = await scenario();
    const TableName = await s.table("t", { items: someItems(3) });
    const put = (n: number): Promise<unknown> =>
      dynamo(s.dynamoEndpoint, "PutItem", { TableName, Item: { pk: { S: "k0" }, n: { N: String(n) } } });
    const documents = client.db(s.id).collection(TableName);
    const found = async (): Promise<unknown> => (await documents.findOne({ pk: "k0" }))?.["n"];
    const run = migrate({
      config: s.settings({
        sync_mode: "all",
        "target.address": proxy.uri,
        "incr_sync.http_port": -1,
      }) as ConfigInput,
    });
    await eventually(() => expect(run.status().tables[0]?.state).toBe("following"));
    await put(1000);
    await eventually(async () => expect(await found()).toBe(1000));

    const data = {
      failCommands: [command],
      namespace: `${s.id}.${TableName}`,
      blockConnection: true,
      blockTimeMS: SLOW,
    };
    const { count } = await client
      .db("admin")
      .command({ configureFailPoint: "failCommand", mode: { times: 1 }, data });
    const begun = performance.now();
    if (command === "update") await put(1001);
    else await dynamo(s.dynamoEndpoint, "DeleteItem", { TableName, Key: { pk: { S: "k0" } } });
    const wait = { waitForFailPoint: "failCommand", timesEntered: Number(count) + 1, maxTimeMS: 20 * SECOND };
    await client.db("admin").command(wait);
    await proxy.refuse();
    await proxy.accept();
    await put(1002);

    await eventually(async () => expect(await found()).toBe(1002));
    expect(performance.now() - begun).toBeGreaterThan(SLOW);
    await sleep(SLOW);
    expect(await found()).toBe(1002);
    expect((await run.switchover({ timeout: 60 * SECOND })).outcome).toBe("done");
    expect(await found()).toBe(1002);
    await run;
  },
);
