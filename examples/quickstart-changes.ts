/** The quickstart's changes while the tool follows the streams, and how long each of them takes to arrive. */
import {
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Collection } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";

/** What doesn't arrive in this time never will, in ms. */
const PATIENCE = 15_000;

/** A change, and what says at the target that it has arrived. */
interface Change {
  what: string;
  make: (client: DynamoDBClient, TableName: string) => Promise<unknown>;
  arrived: (collection: Collection) => Promise<boolean>;
}

const add = (name: string): Change => ({
  what: `add ${name}`,
  make: (client, TableName) =>
    client.send(
      new PutItemCommand({ TableName, Item: { userId: { S: name }, name: { S: "New" }, age: { N: "20" } } }),
    ),
  arrived: async (collection) => (await collection.countDocuments({ userId: name })) === 1,
});

const change = (name: string, age: number): Change => ({
  what: `change ${name}`,
  make: (client, TableName) =>
    client.send(
      new UpdateItemCommand({
        TableName,
        Key: { userId: { S: name } },
        UpdateExpression: "SET age = :age REMOVE active",
        ExpressionAttributeValues: { ":age": { N: String(age) } },
      }),
    ),
  arrived: async (collection) =>
    (await collection.countDocuments({ userId: name, age, active: { $exists: false } })) === 1,
});

const remove = (name: string): Change => ({
  what: `delete ${name}`,
  make: (client, TableName) =>
    client.send(new DeleteItemCommand({ TableName, Key: { userId: { S: name } } })),
  arrived: async (collection) => (await collection.countDocuments({ userId: name })) === 0,
});

const CHANGES: Change[] = [
  add("ada"),
  change("user-1", 99),
  remove("user-2"),
  add("grace"),
  change("ada", 36),
  remove("grace"),
];

/** Makes the changes one by one and says after how long each of them was at the target. */
export async function showChanges(
  client: DynamoDBClient,
  TableName: string,
  collection: Collection,
): Promise<void> {
  for (const { what, make, arrived } of CHANGES) {
    await make(client, TableName);
    const from = performance.now();
    while (!(await arrived(collection))) {
      if (performance.now() - from > PATIENCE) throw new Error(`it didn't arrive: ${what}`);
      await sleep(5);
    }
    console.log(`   ${what.padEnd(16)}there after ${Math.round(performance.now() - from)} ms`);
  }
}
