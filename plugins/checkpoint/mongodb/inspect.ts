/** What a run needs to be granted for its checkpoint in MongoDB. */
import type { MongoClient } from "mongodb";
import type { Config } from "../../../core/config/config.ts";
import type { Inspection } from "../../../core/plugin/roles.ts";
import type { Table } from "../../../core/types.ts";
import { inspectRights, type Need } from "../../_mongodb/privileges.ts";
import { STATUS_TABLE } from "../_nimoshake.ts";

/** What is granted of it. */
export async function inspectCheckpoint(
  client: MongoClient,
  config: Config,
  tables: Table[],
  states: string,
): Promise<Inspection> {
  return { rights: await inspectRights(client, neededFor(config, tables, states)) };
}

/** In both databases; NimoShake's is for who follows streams. */
function neededFor(config: Config, tables: Table[], states: string): Need[] {
  const original = config["checkpoint.db"];
  const own = { database: `${original}-state`, collections: [states], isNeeded: true };
  const theirs = {
    database: original,
    collections: [STATUS_TABLE, ...tables.map(({ name }) => name)],
    isNeeded: true,
  };
  const follows = config.sync_mode !== "full";
  return [
    { ...own, action: "find", purpose: "read the checkpoint" },
    ...["insert", "update", "remove"].map((action) => ({ ...own, action, purpose: "save the checkpoint" })),
    ...(follows ? [{ ...theirs, action: "find", purpose: "read the streams' positions" }] : []),
    ...(follows ? ["insert", "update", "remove", "dropCollection"] : []).map((action) => ({
      ...theirs,
      action,
      purpose: "save the streams' positions",
    })),
  ];
}
