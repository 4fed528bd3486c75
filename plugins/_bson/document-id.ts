/**
 * The `_id` of a document that is made of its key. Where no unique index can guard the key, as on a hashed
 * shard key, it does: two documents of one key have one `_id`.
 */
import { hash } from "node:crypto";
import type { Config } from "../../core/config/config.ts";
import type { Item, KeySchema } from "../../core/types.ts";

/** An ObjectId's size. */
const ID_BYTES = 12;

/** Whether documents get such an `_id` under this configuration: with a sharded target. */
export function derivesIds(config: Config): boolean {
  return config["target.type"] === "mongodb" && config["target.mongodb.type"] === "sharding";
}

/**
 * The `_id` of an item: the first 12 bytes of the SHA-256 of `{"partition":{"S":"a"},"sort":{"N":"1"}}` in
 * UTF-8, with the values as the service sends them and without `sort` where there is none. It is at users'
 * targets: no version may change it.
 *
 * @param keys the primary key's attributes in DynamoDB JSON; others are left aside
 * @returns the bytes of an ObjectId
 */
export function documentId(keys: Item, { partition, sort }: KeySchema): Uint8Array {
  return documentIdOf(JSON.stringify(keys[partition.name]), sort && JSON.stringify(keys[sort.name]));
}

/**
 * The same from the values' JSON as it stands in the service's answer: `{"S":"a"}`, without blanks.
 *
 * @throws SyntaxError for what is no JSON
 */
export function documentIdOf(partition: string, sort?: string): Uint8Array {
  const rest = sort === undefined ? "" : `,"sort":${canonical(sort)}`;
  const text = `{"partition":${canonical(partition)}${rest}}`;
  return hash("sha256", text, "buffer").subarray(0, ID_BYTES);
}

/** One character can be escaped in several ways: as `JSON.stringify` has it. */
function canonical(json: string): string {
  return json.includes("\\") ? JSON.stringify(JSON.parse(json)) : json;
}
