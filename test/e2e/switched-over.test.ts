/** After a switch-over the target is the application's: nothing of ours takes back what it writes. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type ConfigInput, migrate } from "nimo-shake";
import { dynamo, scenario, type Scenario } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const settings = { sync_mode: "all", "incr_sync.http_port": -1 };
const change = (s: Scenario, operation: string, TableName: string, more: object): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, operation, { TableName, ...more });
const item = (pk: string, n: number): object => ({ Item: { pk: { S: pk }, n: { N: String(n) } } });

test("a start and a repair are refused, and --again follows the source", async () => {
  await using s = await scenario();
  const table = await s.table("t");
  const StreamSpecification = { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" };
  await change(s, "UpdateTable", table, { StreamSpecification });
  // What a stream that was there before has of a day.
  for (const [pk, n] of [
    ["a", 1],
    ["a", 2],
    ["b", 1],
    ["gone", 1],
  ] as const)
    await change(s, "PutItem", table, item(pk, n));
  await change(s, "DeleteItem", table, { Key: { pk: { S: "gone" } } });
  const config = s.settings(settings) as ConfigInput;
  const run = migrate({ config });
  expect((await run.switchover()).outcome).toBe("done");
  await run;

  const collection = s.db.collection(table);
  await collection.updateOne({ pk: "a" }, { $set: { n: 100 } });
  await collection.deleteOne({ pk: "b" });
  await collection.insertOne({ pk: "gone", n: 7 });
  const written = await collection.find().sort({ pk: 1 }).toArray();
  const conf = s.conf(s.settings(settings));
  const refusal = { exit: 2, code: "SWITCHED_OVER", says: ["switched over at"] };
  expectRefusal(await s.run(["run", "-c", conf]), { ...refusal, says: ["run --again"] });
  expectRefusal(await s.run(["verify", "-c", conf, "--repair"]), { ...refusal, says: ["without --repair"] });
  const fresh = { "target.db.exist": "drop", ...settings };
  const anew = await s.run(["run", "-c", s.conf(s.settings(fresh)), "--fresh"]);
  expectRefusal(anew, { ...refusal, says: ["--fresh --again"] });
  s.conf(s.settings(settings));
  const check = await s.run(["check", "-c", conf]);
  expect([check.code, check.stdout.includes("[SWITCHED_OVER]")]).toEqual([2, true]);
  expect(await collection.find().sort({ pk: 1 }).toArray()).toEqual(written);

  await change(s, "PutItem", table, item("later", 1));
  const again = migrate({ config, again: true });
  expect((await again.switchover()).outcome).toBe("done");
  await again;
  expect(await collection.countDocuments({ pk: "later" })).toBe(1);
});
