/** What the driver keeps to itself is still there, and works. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BSON, type Db, MongoClient, type MongoClientOptions } from "mongodb";
import type { Socket } from "node:net";
import {
  connections,
  encodedDocuments,
  sendsEncoded,
  sendsUnjoined,
} from "../../../plugins/_mongodb/internals.ts";
import { sharedServers } from "../../servers/shared.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const DOCUMENTS = [
  { _id: 1, a: "é" },
  { _id: 2, a: { b: [1.5, null] } },
  { _id: 3, "a.b": new BSON.Long(1, 1) },
];
const BYTES = Buffer.concat(DOCUMENTS.map((document) => BSON.serialize(document)));

let client: MongoClient;
let db: Db;
beforeAll(async () => {
  client = await new MongoClient((await sharedServers()).mongoUri).connect();
  db = client.db(`internals-${process.pid}`);
});
afterAll(async () => {
  await db.dropDatabase();
  await client.close();
});

test("the driver still has its carrier of encoded documents, and writes commands where it did", () => {
  expect(sendsEncoded).toBe(true);
  expect(sendsUnjoined).toBe(true);
});

describe("documents that aren't joined with what stands in front of them", () => {
  const LARGE = Array.from({ length: 12 }, (_, n) => ({ _id: n, text: `${n}`.repeat(1_000_000) }));
  let direct: MongoClient;
  beforeAll(async () => {
    const { mongoUri } = await sharedServers();
    direct = await new MongoClient(mongoUri, { ...connections(), maxPoolSize: 2 }).connect();
  });
  afterAll(() => direct.close());

  test("arrive as they were, however much the socket takes at once, side by side and among other commands", async () => {
    const own = direct.db(db.databaseName);
    const insert = (name: string) => {
      const bytes = Buffer.concat(LARGE.map((document) => BSON.serialize(document)));
      return own.command({ insert: name, ordered: false, ...encodedDocuments("documents", bytes) });
    };
    const names = ["large-1", "large-2", "large-3", "large-4"];
    const answers = await Promise.all(names.flatMap((name) => [insert(name), own.command({ ping: 1 })]));
    expect(answers.map(({ n }) => n as unknown)).toEqual(names.flatMap(() => [12, undefined]));
    for (const name of names) {
      const found = await db
        .collection(name)
        .find({}, { sort: { _id: 1 } })
        .toArray();
      expect(found.length).toBe(12);
      for (const [n, { _id, text }] of found.entries()) {
        expect(_id as unknown).toBe(n);
        expect(text === LARGE[n]!.text).toBe(true);
      }
    }
  });

  test("are sent anew with each try, and refused ones keep their numbers", async () => {
    const own = direct.db(db.databaseName);
    const send = () =>
      own.command({ insert: "small", ordered: false, ...encodedDocuments("documents", BYTES) });
    expect((await send()).n).toBe(3);
    const again = await send();
    expect((again.writeErrors as { index: number }[]).map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  test("are refused whole when the connection may no longer be used", async () => {
    const closed = new MongoClient((await sharedServers()).mongoUri, connections());
    await closed.connect();
    await closed.close();
    const command = { insert: "never", ...encodedDocuments("documents", BYTES) };
    await expect(closed.db(db.databaseName).command(command, { timeoutMS: 1000 })).rejects.toThrow();
    expect(await db.collection("never").countDocuments()).toBe(0);
  });
});

test("what is written to a connection that has just been closed fails, and isn't waited for for ever", async () => {
  const sockets: Socket[] = [];
  const { connectionType } = connections() as { connectionType: new (...args: unknown[]) => object };
  class Watched extends connectionType {
    constructor(socket: Socket, ...rest: unknown[]) {
      super(socket, ...rest);
      sockets.push(socket);
    }
  }
  const options = {
    connectionType: Watched,
    monitorCommands: true,
    retryWrites: false,
  } as MongoClientOptions;
  const cut = await new MongoClient((await sharedServers()).mongoUri, options).connect();
  try {
    // between the driver's look at the connection and its write
    cut.once("commandStarted", () => {
      for (const socket of sockets) socket.destroy();
    });
    const insert = { insert: "cut", documents: [{ _id: 1 }] };
    await expect(cut.db(db.databaseName).command(insert)).rejects.toThrow("closed");
  } finally {
    await cut.close();
  }
}, 10_000);

describe.each([
  ["sent as they are", true],
  ["decoded, for a driver that has changed", false],
])("encoded documents, %s", (_, direct) => {
  test("arrive as they were", async () => {
    const name = `c-${direct}`;
    const answer = await db.command({
      insert: name,
      ordered: false,
      ...encodedDocuments("documents", BYTES, direct),
    });
    expect(answer.n).toBe(3);
    const found = await db
      .collection(name)
      .find({}, { sort: { _id: 1 }, promoteLongs: false })
      .toArray();
    expect(found).toEqual(DOCUMENTS as never);
  });

  test("report the index of each that is refused", async () => {
    const name = `c-${direct}`;
    const answer = await db.command({
      insert: name,
      ordered: false,
      ...encodedDocuments("documents", BYTES, direct),
    });
    expect(answer.n).toBe(0);
    expect(
      (answer.writeErrors as { index: number; code: number }[]).map(({ index, code }) => [index, code]),
    ).toEqual([
      [0, 11000],
      [1, 11000],
      [2, 11000],
    ]);
  });
});
