/** What is in a table with DynamoDB's protocol, to be compared with the source: see `Stored`. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { hash64 } from "../../_bson/hash64.ts";
import { createBatchGet } from "../../_dynamodb/batch-get.ts";
import { causeName } from "../../_dynamodb/errors.ts";
import { MigrationError } from "../../../core/errors.ts";
import type { Context } from "../../../core/plugin/context.ts";
import type { Stored } from "../../../core/plugin/stored.ts";
import { keyOf, keyText, targetNameOf } from "../../../core/schema/keys.ts";
import type { Item, Table } from "../../../core/types.ts";
import { canonicalText, decodeItem } from "./canonical.ts";
import type { Scans } from "./scan.ts";
import { secondaryFaults } from "./stored-indexes.ts";
import type { Tables } from "./tables.ts";

/** Makes it. It has no `remove`: a table has no two items of one key, and none without. */
export function createStored(
  ctx: Context,
  connected: () => DynamoDBClient,
  { scans, tables }: { scans: Scans; tables: Tables },
): Stored {
  const getItems = createBatchGet(ctx, "target", connected);

  return {
    encode(_unit, records) {
      const items = records.map(({ document }) => Buffer.from(JSON.stringify(document)));
      let end = 0;
      const ends = items.map((item) => (end += item.length));
      return { bytes: Buffer.concat(items), ends };
    },

    async *read(table, from, signal) {
      try {
        yield* scans.stored(table, from, signal);
      } catch (error) {
        if (causeName(error) !== "ResourceNotFoundException") throw error;
      }
    },

    digest(table, bytes, ends, onDigest) {
      ends.forEach((end, index) => {
        const item = parsed(bytes.subarray(ends[index - 1] ?? 0, end), table);
        const key = keyOf(item, table, targetNameOf);
        const keyBytes = key && Buffer.from(JSON.stringify(key));
        onDigest(keyBytes, hash64(Buffer.from(canonicalText(item))), index);
      });
    },

    keyOf: (_table, key) => JSON.parse(textOf(key)) as Item,

    async find(table, records, signal) {
      const texts = records.map(({ key }) => textOfKey(key as Item, table));
      const keys = [...new Map(records.map(({ key }, i) => [texts[i], key as Item])).values()];
      const found = new Map<string | undefined, Uint8Array>();
      try {
        for (const item of await getItems({ name: table.targetName, keys }, signal)) {
          found.set(textOfKey(item, table), Buffer.from(JSON.stringify(item)));
        }
      } catch (error) {
        if (causeName(error) !== "ResourceNotFoundException") throw error;
      }
      return texts.map((text) => {
        const item = found.get(text);
        return item === undefined ? [] : [item];
      });
    },

    decode: (table, document) => decodeItem(parsed(document, table)),

    async indexes(table, wanted) {
      if (!wanted.some(({ origin }) => origin === "user")) return [];
      return secondaryFaults(table, await tables.find(table));
    },
  };
}

function textOfKey(item: Item, table: Table): string | undefined {
  const key = keyOf(item, table, targetNameOf);
  return key && keyText(key, table);
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");

function parsed(document: Uint8Array, { name }: Table): Item {
  try {
    return JSON.parse(textOf(document)) as Item;
  } catch (cause) {
    throw new MigrationError("TARGET_FAILED", `an item is no JSON: table ${name}`, {
      cause,
      hint: "see whether target.address is a DynamoDB endpoint",
    });
  }
}
