/** The servers of the tests: they work, and nothing of them stays. */
import { describe, expect, test, setDefaultTimeout } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { MongoClient } from "mongodb";
import { startDynamoDB } from "./dynamodb.ts";
import { startMongod } from "./mongod.ts";
import { isListening } from "./port.ts";
import { leftovers } from "./process.ts";

setDefaultTimeout(180_000);

const SECOND = 1000;

describe("mongod", () => {
  test("takes durable writes, and stops without a trace", async () => {
    await using mongod = await startMongod({ own: true });
    const folder = folderOf(mongod.pid!);
    const client = new MongoClient(mongod.uri);
    const collection = client
      .db("servers")
      .collection("c", { writeConcern: { w: "majority", journal: true } });
    await collection.insertOne({ n: 1 });
    expect(await collection.countDocuments({ n: 1 })).toBe(1);
    await client.close();

    await mongod.stop();
    await mongod.stop();
    await nothingLeft(mongod.pid!, folder, Number(new URL(mongod.uri).port));
  });

  test("killed and started again, it still has what it acknowledged", async () => {
    await using mongod = await startMongod({ own: true });
    const { pid } = mongod;
    const client = new MongoClient(mongod.uri);
    try {
      const collection = client.db("servers").collection("c");
      await collection.insertMany(
        Array.from({ length: 500 }, (_, n) => ({ n })),
        { writeConcern: { w: "majority", journal: true } },
      );
      await mongod.kill9();
      expect(isRunning(pid!)).toBe(false);
      await mongod.restart();
      expect(mongod.pid).not.toBe(pid);
      expect(await collection.countDocuments({})).toBe(500);
    } finally {
      await client.close();
    }
  });

  test("can be a single server without a replica set", async () => {
    await using mongod = await startMongod({ own: true, replicaSet: false });
    const client = new MongoClient(mongod.uri);
    expect((await client.db("admin").command({ hello: 1 })).setName).toBeUndefined();
    await client.close();
  });

  test("a server of the user's is used as it is, and never killed", async () => {
    await using theirs = await startMongod({ own: true, replicaSet: false });
    await withEnv("NIMO_TEST_MONGODB", theirs.uri, async () => {
      const mongod = await startMongod();
      expect(mongod).toMatchObject({ name: theirs.name, uri: theirs.uri, pid: undefined });
      await expect(mongod.kill9()).rejects.toThrow("not ours");
      await mongod.stop();
      expect(isRunning(theirs.pid!)).toBe(true);
    });
  });
});

describe("DynamoDB", () => {
  test("takes items, and stops without a trace", async () => {
    await using dynamodb = await startDynamoDB({ own: true });
    const folder = folderOf(dynamodb.pid!);
    const client = new DynamoDBClient({
      endpoint: dynamodb.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    await client.send(
      new CreateTableCommand({
        TableName: "items",
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    const item = { id: { S: "a" }, n: { N: "1.5" } };
    await client.send(new PutItemCommand({ TableName: "items", Item: item }));
    expect(
      (await client.send(new GetItemCommand({ TableName: "items", Key: { id: { S: "a" } } }))).Item,
    ).toEqual(item);
    client.destroy();

    await dynamodb.stop();
    await nothingLeft(dynamodb.pid!, folder, Number(new URL(dynamodb.endpoint).port));
  });
});

describe("a process that ends without stopping its servers", () => {
  test.each(["SIGKILL", "SIGTERM", "SIGINT", "exit", "throw"])("%s leaves nothing behind", async (how) => {
    const { pid, port, folder, end } = await processWithMongod(how);
    expect(await isListening(port)).toBe(true);
    await end();
    await nothingLeft(pid, folder, port);
  });
});

test("a process that is killed while it starts a child leaves nothing behind", async () => {
  const script = `
    const { ownTempFolder } = await import(${JSON.stringify(new URL("./process.ts", import.meta.url).href)});
    const owned = ownTempFolder("killed");
    await Bun.sleep(200); // the guard listens
    process.stdout.write(owned.folder, () => {
      void owned.start("sleep", ["61"], owned.folder + "/log");
      process.kill(process.pid, "SIGKILL");
    });
  `;
  const killed = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "ignore" });
  const folder = await killed.stdout.text();
  await killed.exited;
  const orphans = (): string[] =>
    readdirSync("/proc").filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
      } catch {
        return false;
      }
    });
  for (const deadline = Date.now() + 5 * SECOND; existsSync(folder) && Date.now() < deadline;)
    await sleep(20);
  expect({ folder: existsSync(folder), orphans: orphans() }).toEqual({ folder: false, orphans: [] });
});

/** Another Bun that has started a mongod; `end` ends it in the way named. */
async function processWithMongod(
  how: string,
): Promise<{ pid: number; port: number; folder: string; end(): Promise<void> }> {
  const script = `
    const { startMongod } = await import(${JSON.stringify(new URL("./mongod.ts", import.meta.url).href)});
    const { leftovers } = await import(${JSON.stringify(new URL("./process.ts", import.meta.url).href)});
    const mongod = await startMongod({ own: true });
    console.log(JSON.stringify({ pid: mongod.pid, uri: mongod.uri, left: leftovers()[0] }));
    process.stdin.once("data", (how) => {
      if (String(how) === "throw") throw new Error("on purpose");
      process.exit(3);
    });
  `;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data)));
    child.once("exit", () => reject(new Error("ended before its mongod was there")));
  });
  const { pid, uri, left } = JSON.parse(line) as { pid: number; uri: string; left: string };
  return {
    pid,
    port: Number(new URL(uri).port),
    folder: left.split(" in ")[1]!,
    async end() {
      if (how.startsWith("SIG")) child.kill(how as NodeJS.Signals);
      else child.stdin.write(how);
      await ended;
    },
  };
}

function folderOf(pid: number): string {
  const entry = leftovers().find((line) => line.startsWith(`process ${pid} in `));
  return entry!.split(" in ")[1]!;
}

async function nothingLeft(pid: number, folder: string, port: number): Promise<void> {
  const there = async () => isRunning(pid) || existsSync(folder) || (await isListening(port));
  for (const deadline = Date.now() + 5 * SECOND; (await there()) && Date.now() < deadline;) await sleep(20);
  expect({ running: isRunning(pid), folder: existsSync(folder), listening: await isListening(port) }).toEqual(
    { running: false, folder: false, listening: false },
  );
  expect(readdirSync(tmpdir()).filter((name) => name === `mongodb-${port}.sock`)).toEqual([]);
}

/** False for a zombie, too: in a container nobody may be there to collect an orphan. */
function isRunning(pid: number): boolean {
  return /^[^Z]/.test(
    spawnSync("ps", ["-o", "stat=", "-p", String(pid)])
      .stdout.toString()
      .trim(),
  );
}

async function withEnv(name: string, value: string, work: () => Promise<void>): Promise<void> {
  const before = process.env[name];
  process.env[name] = value;
  try {
    await work();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}
