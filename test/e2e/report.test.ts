/** The report of runs as users start them: at a stop, and after a resume. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "../../core/report/report.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, someItems } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** More digits than Decimal128 holds. */
const LONG = "1234567890123456789012345678901234.5678";
const item = (pk: string): Record<string, object> => ({ pk: { S: pk }, n: { N: LONG } });

test("a run that is stopped while it follows, and the one that goes on: what each did, and what is left to do", async () => {
  await using s = await scenario();
  const table = await s.table("t", { gsi: { byN: ["n:N"] }, items: [...someItems(40), item("long")] });
  const empty = await s.table("empty");
  const settings = s.settings({
    sync_mode: "all",
    "incr_sync.http_port": -1,
    "full.enable_index.user": false,
  });
  const conf = s.conf(settings);
  const file = join(s.folder, `${s.id}-report.json`);
  const collection = s.db.collection(table);

  /** Runs until an item written meanwhile has arrived, and is stopped. */
  async function runUntil(pk: string): Promise<{ stdout: string; report: Report }> {
    const run = s.start([`-conf=${conf}`]);
    await eventually(async () => expect(await collection.countDocuments()).toBeGreaterThanOrEqual(41));
    await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: item(pk) });
    await eventually(async () => expect(await collection.countDocuments({ pk })).toBe(1));
    run.kill("SIGTERM");
    const { code, stdout } = await run.done;
    expect(code).toBe(143);
    return { stdout, report: JSON.parse(readFileSync(file, "utf8")) };
  }

  const first = await runUntil("first");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(first.report).toMatchObject({
    id: s.id,
    outcome: { kind: "stopped", signal: "SIGTERM" },
    totals: { tables: 2, copied: 2, read: 41, written: 41, overflowed: 1, changes: { written: 1 } },
  });
  const [copied] = first.report.tables;
  expect(copied).toMatchObject({
    name: table,
    overflowedKeys: [{ pk: { S: "long" } }, { pk: { S: "first" } }],
    indexes: { count: 2, names: ["pk_1", "pk_hashed"], leftOut: [{ name: "byN" }] },
    thisProcess: { read: 41 },
    changes: { written: 1, overflowed: 1 },
  });
  expect(first.report.tables.find(({ name }) => name === empty)).toMatchObject({ read: 0, bytes: 0 });
  // the table of the copy, and that of the changes
  expect(first.stdout.split("| table ").length).toBe(3);
  expect(first.stdout).toContain(`report: ./${s.id}-report.json\nstopped `);
  expect(first.stdout).toContain(`the index byN of ${table} is not there as planned`);

  const { report, stdout } = await runUntil("second");
  expect(stdout.split("| table ").length).toBe(2);
  expect(report.tables[0]).toMatchObject({ read: 41, resumed: true, thisProcess: { read: 0, bytes: 0 } });
  expect(report.totals.changes.written).toBe(1);
  expect(report.startedAt > first.report.endedAt).toBeTrue();
});
