/** The rights at MongoDB that a configuration needs, as a role of its own. */
import type { Config } from "../../core/config/config.ts";

/** What may be done with a database's collections. */
export interface Privilege {
  resource: { db: string; collection: string };
  actions: string[];
}

/** A server, and what is to be allowed there. */
export interface MongoRole {
  /** Which address the server has: `target.address`. */
  at: string;
  name: string;
  privileges: Privilege[];
}

/** A role for each server that is used; empty: none is a MongoDB. */
export function mongoRoles(config: Config): MongoRole[] {
  const name = `nimo-shake-${config.id}`;
  const target = config["target.type"] === "mongodb" ? [targetPrivilege(config)] : [];
  const checkpoint = config["checkpoint.type"] === "mongodb" ? checkpointPrivileges(config) : [];
  const isOne =
    target.length > 0 && checkpoint.length > 0 && config["checkpoint.address"] === config["target.address"];
  if (isOne) return [{ at: "target.address", name, privileges: [...target, ...checkpoint] }];
  return [
    { at: "target.address", name, privileges: target },
    { at: "checkpoint.address", name, privileges: checkpoint },
  ].filter(({ privileges }) => privileges.length > 0);
}

function targetPrivilege(config: Config): Privilege {
  const exist = config["target.db.exist"];
  return {
    resource: { db: config.id, collection: "" },
    actions: [
      "listCollections",
      "find",
      "insert",
      "update",
      "remove",
      "listIndexes",
      "createIndex",
      "dropIndex",
      ...(exist === "drop" ? ["dropCollection"] : []),
      // Nothing that is there can be dropped then: clean --renamed is for somebody else.
      ...(exist === "rename" ? ["renameCollectionSameDB"] : []),
      ...(config["target.mongodb.type"] === "sharding" ? ["enableSharding"] : []),
    ],
  };
}

function checkpointPrivileges(config: Config): Privilege[] {
  const original = config["checkpoint.db"];
  const actions = ["find", "insert", "update", "remove", "dropCollection"];
  return [
    { resource: { db: `${original}-state`, collection: "" }, actions },
    // Where nothing is followed, it is only looked at.
    {
      resource: { db: original, collection: "" },
      actions: config.sync_mode === "full" ? ["find", "listCollections"] : ["listCollections", ...actions],
    },
  ];
}

/** Why an action that not every run takes is among them, for people. */
export const ROLE_REASONS: Readonly<Record<string, string>> = {
  insert: "makes collections, too",
  dropIndex: "takes an index away that refuses a document, such as one on an array; it is told",
  remove: "applies deletes, and takes rows of finished shards out of the checkpoint",
  dropCollection: "makes room as target.db.exist = drop says; in the checkpoint, clean removes what is left",
  renameCollectionSameDB:
    "makes room as target.db.exist = rename says; clean --renamed needs dropCollection beside it",
  enableSharding: "shards collections; how many shards there are is only asked where listShards is granted",
};

/** What a user administrator types into mongosh: the role, and a user who has it. */
export function mongoshText({ name, privileges }: MongoRole): string {
  const lines = privileges.map(
    ({ resource, actions }) =>
      `    { resource: ${JSON.stringify(resource)}, actions: ${JSON.stringify(actions)} },`,
  );
  return [
    "use admin",
    "db.createRole({",
    `  role: ${JSON.stringify(name)},`,
    "  privileges: [",
    ...lines,
    "  ],",
    "  roles: [],",
    "})",
    `db.createUser({ user: ${JSON.stringify(name)}, pwd: passwordPrompt(), roles: [${JSON.stringify(name)}] })`,
  ].join("\n");
}
