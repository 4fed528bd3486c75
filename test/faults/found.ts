/** What is at a target, read past the tool and everything that can go wrong. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BSON, type Db } from "mongodb";
import type { Attributes } from "../e2e/helpers.ts";
import { dynamo } from "../e2e/helpers.ts";
import type { TableShape } from "./changes.ts";
import type { Entry } from "./compare.ts";
import type { Configuration } from "./configuration.ts";
import { foundDocument, foundItem } from "./expected.ts";

/** Where the targets are. */
export interface Places {
  db: Db;
  folder: string;
  endpoint: string;
}

/** All of a table; nothing where there is no such place. */
export async function foundAt(
  kind: Configuration["target"],
  table: TableShape,
  { db, folder, endpoint }: Places,
): Promise<Entry[]> {
  if (kind === "file")
    return documentsIn(join(folder, `${table.name}.bson`)).map((each) => foundDocument(table, each));
  if (kind === "aliyun_dynamo_proxy")
    return (await scan(endpoint, table)).map((each) => foundItem(table, each));
  const options = { promoteValues: false, readConcern: { level: "majority" } } as const;
  const documents = await db.collection(table.name).find({}, options).toArray();
  return documents.map((each) => foundDocument(table, each));
}

function documentsIn(file: string): BSON.Document[] {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const documents: BSON.Document[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at))
    documents.push(
      BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at)), { promoteValues: false }),
    );
  return documents;
}

async function scan(endpoint: string, { name }: TableShape): Promise<Attributes[]> {
  const items: Attributes[] = [];
  let from: unknown;
  do {
    const request = {
      TableName: name,
      ConsistentRead: true,
      ...(from !== undefined && { ExclusiveStartKey: from }),
    };
    const answer = await dynamo(endpoint, "Scan", request);
    items.push(...(answer["Items"] as Attributes[]));
    from = answer["LastEvaluatedKey"];
  } while (from !== undefined);
  return items;
}
