/** A batch of changes that fails in one part has nothing on its way any more when that is told. */
import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BSON, MongoServerError } from "mongodb";
import type { ChangeBatch, EncodedChange } from "../../../../core/plugin/changes.ts";
import type { SourceRecord } from "../../../../core/types.ts";
import { applyBatch } from "../../../../plugins/target/mongodb/apply.ts";
import { applyEncoded } from "../../../../plugins/target/mongodb/apply-encoded.ts";
import { testTable } from "../../../fakes/context.ts";
import { scriptedDestination } from "./destination.ts";

const TABLE = testTable("pk");
const SLOW = 100;
const RULES = { upsert: true, replaceDuplicates: true };
const never = { mayTry: () => Promise.resolve(false), saw: () => {} };
const unit = { phase: "incr", table: TABLE, shard: "1" } as const;

function recordOf(pk: string, isDelete: boolean): SourceRecord {
  const keys = { pk: { S: pk } };
  const key = { pk };
  return isDelete
    ? { op: "delete", event: "REMOVE", keys, key }
    : { op: "put", event: "MODIFY", keys, key, document: { pk } };
}

const records = [recordOf("a", false), recordOf("b", true)];

function encodedBatch(): ChangeBatch {
  const changes = records.map(({ op, document, key }): EncodedChange => {
    const bytes = Buffer.from(BSON.serialize(document ?? {}));
    const text = Buffer.from(BSON.serialize(key!)).toString("latin1");
    return {
      event: op === "delete" ? "REMOVE" : "MODIFY",
      key: text,
      bytes,
      start: 0,
      end: op === "delete" ? 0 : bytes.length,
      raw: undefined as never,
    };
  });
  return { unit, changes, record: (change) => records[changes.indexOf(change)]! };
}

test.each(["as records", "encoded"])("%s", async (way) => {
  let landed = false;
  const command = async (asked: object): Promise<object> => {
    if ("delete" in asked) throw new MongoServerError({ code: 13, errmsg: "not authorized" });
    await sleep(SLOW);
    landed = true;
    return { n: 1 };
  };
  const to = { ...scriptedDestination(TABLE, command, false), byKey: true };
  const applied =
    way === "encoded"
      ? applyEncoded(encodedBatch(), to, RULES, never)
      : applyBatch({ unit, records }, to, RULES);
  await expect(applied).rejects.toThrow("not authorized");
  expect(landed).toBe(true);
});
