/** Connections that are made while the driver asks a server what it is. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { MongoClient } from "mongodb";
import { once } from "node:events";
import { connectEarly } from "../../../plugins/_mongodb/early-pool.ts";
import { sharedServers } from "../../servers/shared.ts";
import { startFarMongo } from "../../stand-in/far-mongo.ts";
import { startMongoProxy } from "../../stand-in/mongo-proxy.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(60_000);

/** What a client makes of a server, and of which round trip its first command is. */
async function connected(minPoolSize: number, early: boolean): Promise<{ trip?: number; made: number }> {
  const { mongoUri } = await sharedServers();
  await using far = await startFarMongo(mongoUri, 300);
  await using client = new MongoClient(far.uri, { minPoolSize, maxConnecting: 16 });
  let made = 0;
  client.on("connectionReady", () => made++);
  if (early) connectEarly(client, minPoolSize);
  await client.connect();
  await client.db("admin").command({ ping: 1 });
  return { trip: far.commands.find(({ name }) => name === "ping")!.trip, made };
}

test("the first command comes behind two round trips, and no more connections are made than are wanted", async () => {
  expect(await connected(4, true)).toEqual({ trip: 3, made: 4 });
});

test("the driver alone needs four", async () => {
  expect((await connected(4, false)).trip).toBe(5);
});

test("who waits for the first of them hears why there is none", async () => {
  const { mongoUri } = await sharedServers();
  await using far = await startFarMongo(mongoUri, 100);
  const auth = { username: "nobody", password: "placeholder" };
  await using client = new MongoClient(far.uri, { minPoolSize: 2, auth });
  connectEarly(client, 2);
  const failure = await client.connect().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ name: "MongoServerError", code: 18 });
});

test("a server that nobody listens at yet is connected to when somebody does", async () => {
  const { mongoUri } = await sharedServers();
  await using proxy = await startMongoProxy(mongoUri);
  await proxy.refuse();
  await using client = new MongoClient(proxy.uri, { minPoolSize: 2 });
  connectEarly(client, 2);
  const connecting = client.connect();
  await once(client, "serverHeartbeatFailed");
  await proxy.accept();
  await connecting;
  expect(await client.db("admin").command({ ping: 1 })).toMatchObject({ ok: 1 });
});
