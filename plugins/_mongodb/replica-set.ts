/** The driver forgets servers of another replica set than the address names, and then finds none: here they are asked. */
import { MongoClient, type MongoServerSelectionError } from "mongodb";
import { addressError } from "./errors.ts";

/** For one server, in ms: whoever answers at all does so sooner. */
const PATIENCE = 2000;
/** Before the hosts, the hosts, and behind them. */
const PARTS = /^(mongodb:\/\/(?:[^@]*@)?)([^/?]+)(.*)$/s;
const NAME = /([?&])replicaSet=([^&]*)&?/i;

/**
 * Says that the address has the wrong name, when it has.
 *
 * @param key the setting that gave the address
 * @throws MigrationError CONFIG_INVALID with both names
 */
export async function explainReplicaSet(
  address: string,
  failure: MongoServerSelectionError,
  key: string,
): Promise<void> {
  // Any other reason is one: nobody answered, or not as expected.
  if (!failure.message.startsWith("Server selection timed out")) return;
  const [, before, hosts = "", behind = ""] = PARTS.exec(address) ?? [];
  const asked = NAME.exec(behind)?.[2];
  if (before === undefined || asked === undefined) return;
  for (const host of hosts.split(",")) {
    const found = await setName(`${before}${host}${behind.replace(NAME, "$1")}`);
    if (found === undefined) continue;
    if (found === asked || encodeURIComponent(found) === asked) return;
    const is = found === "" ? "belongs to no replica set" : `belongs to the replica set ${found}`;
    const why = new Error(`${failure.message}: ${host} ${is}, and not to ${asked}`, { cause: failure });
    throw addressError(key, why, "correct its replicaSet, or leave that out");
  }
}

/** Which replica set a server belongs to; empty: none; undefined: it doesn't say. */
async function setName(address: string): Promise<string | undefined> {
  let client: MongoClient | undefined;
  try {
    client = new MongoClient(address, { directConnection: true, serverSelectionTimeoutMS: PATIENCE });
    const hello = await client.db("admin").command({ hello: 1 });
    return String(hello["setName"] ?? "");
  } catch {
    return undefined;
  } finally {
    await client?.close();
  }
}
