/** Which actions the user has been granted, as the server tells of its privileges: nothing is tried. */
import { type Document, type MongoClient, MongoServerError } from "mongodb";
import type { Right } from "../../core/plugin/roles.ts";

const UNAUTHORIZED = 13;

/** An action that a run needs somewhere. */
export interface Need extends Pick<Right, "action" | "purpose" | "isNeeded"> {
  database: string;
  /** On each of them; undefined: on the database as a whole. */
  collections?: string[];
}

/** What a user may do somewhere, as `connectionStatus` has it. */
export interface Privilege {
  resource: { db?: string; collection?: string; anyResource?: boolean };
  actions: string[];
}

/** An entry for each need. A server that doesn't tell leaves all of them untested. */
export async function inspectRights(client: MongoClient, needs: Need[]): Promise<Right[]> {
  const all = (state: Right["state"], why?: string): Right[] =>
    needs.map((need) => rightOf(need, state, why));
  let status: Document;
  try {
    status = await client.db("admin").command({ connectionStatus: 1, showPrivileges: true });
  } catch (error) {
    return all("untested", error instanceof Error ? error.message : String(error));
  }
  const { authenticatedUsers: users = [], authenticatedUserPrivileges: privileges = [] } =
    status["authInfo"] ?? {};
  if (users.length === 0) return all((await isOpen(client, needs)) ? "granted" : "missing");
  const rights = needs.map((need) => rightOf(need, isGranted(privileges, need) ? "granted" : "missing"));
  const isComplete = rights.every(({ state }) => state === "granted");
  return isComplete || (await isEnforced(client)) ? rights : all("granted");
}

/** Whether privileges allow it everywhere that it is needed. */
export function isGranted(
  privileges: Privilege[],
  { action, database, collections = [""] }: Pick<Need, "action" | "database" | "collections">,
): boolean {
  const allowing = privileges.filter(({ actions }) => actions.includes(action)).map((each) => each.resource);
  return collections.every((name) =>
    allowing.some(
      ({ db, collection, anyResource }) =>
        anyResource === true ||
        ((db === "" || db === database) && (collection === "" || collection === name)),
    ),
  );
}

function rightOf({ action, purpose, isNeeded, database }: Need, state: Right["state"], why?: string): Right {
  return { action, purpose, isNeeded, on: [database], state, ...(why !== undefined && { why }) };
}

/** Whether who hasn't logged in may do anything. */
async function isOpen(client: MongoClient, [need]: Need[]): Promise<boolean> {
  if (need === undefined) return true;
  try {
    await client.db(need.database).listCollections({}, { nameOnly: true }).toArray();
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === UNAUTHORIZED) return false;
    throw error;
  }
}

/** A server without access control checks passwords all the same, and tells of privileges that don't count. */
async function isEnforced(client: MongoClient): Promise<boolean> {
  try {
    const { parsed } = await client.db("admin").command({ getCmdLineOpts: 1 });
    const { authorization, keyFile, clusterAuthMode, transitionToAuth } = parsed?.security ?? {};
    if (transitionToAuth === true) return false;
    return authorization === "enabled" || keyFile !== undefined || clusterAuthMode !== undefined;
  } catch {
    // It isn't granted, or a managed server doesn't have it.
    return true;
  }
}
