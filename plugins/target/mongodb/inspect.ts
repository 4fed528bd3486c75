/** What `check` shows of a MongoDB target, and what a run needs to be granted there. */
import type { Document, MongoClient } from "mongodb";
import type { Config } from "../../../core/config/config.ts";
import type { TargetInspection } from "../../../core/plugin/roles.ts";
import type { Table } from "../../../core/types.ts";
import { inspectRights, type Need } from "../../_mongodb/privileges.ts";

/** Asks the server. */
export async function inspectTarget(
  client: MongoClient,
  config: Config,
  tables: Table[],
): Promise<TargetInspection> {
  const admin = client.db("admin");
  const { version } = await admin.command({ buildInfo: 1 });
  const hello = await admin.command({ hello: 1 });
  const compatibility = await compatibilityOf(client);
  const kind = compatibility === undefined ? kindOf(hello) : `${kindOf(hello)}, ${compatibility}`;
  return {
    product: "MongoDB",
    version: String(version),
    kind,
    rights: await inspectRights(client, neededAt(config, tables)),
  };
}

function kindOf({ msg, setName }: Document): string {
  if (msg === "isdbgrid") return "mongos";
  return setName === undefined ? "standalone" : `replica set ${setName}`;
}

/** Not everybody may ask, and a mongos doesn't know. */
async function compatibilityOf(client: MongoClient): Promise<string | undefined> {
  const name = "featureCompatibilityVersion";
  try {
    const answer = await client.db("admin").command({ getParameter: 1, [name]: 1 });
    return `feature compatibility version ${answer[name].version ?? answer[name]}`;
  } catch {
    return undefined;
  }
}

/** What a run with this configuration does in the target database. */
export function neededAt(config: Config, tables: Table[]): Need[] {
  const database = config.id;
  const collections = tables.map(({ targetName }) => targetName);
  const copies = config.sync_mode !== "incr";
  const follows = config.sync_mode !== "full";
  const exist = config["target.db.exist"];
  const need = (action: string, purpose: string, isNeeded = true): Need => ({
    action,
    purpose,
    isNeeded,
    database,
    collections,
  });
  return [
    { action: "listCollections", purpose: "see what is there", isNeeded: true, database },
    need("find", "count and compare the documents"),
    // Who may insert may make collections, too.
    need("insert", "make the collections, and write the documents"),
    need("update", "write documents again"),
    need("remove", follows ? "delete documents" : "delete documents, for verify --repair", follows),
    need("createIndex", "build the indexes"),
    need("listIndexes", "see which indexes are there"),
    need("dropIndex", "take away an index that the data can't have", false),
    ...(copies && exist === "drop" ? [need("dropCollection", "drop what is there")] : []),
    ...(copies && exist === "rename"
      ? [{ ...need("renameCollectionSameDB", "rename what is there"), collections: [""] }]
      : []),
    ...(copies && config["target.mongodb.type"] === "sharding"
      ? [need("enableSharding", "shard the collections")]
      : []),
  ];
}
