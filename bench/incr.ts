/** `bun run bench incr`: changes of four shards applied by the tool, against the same upserts by key on one mongod. */
import { BSON, MongoClient } from "mongodb";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startMongod } from "../test/servers/mongod.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import { bsonBlock, cut, KEYS, TABLE } from "./orders.ts";

const { values: flags } = parseArgs({
  options: {
    records: { type: "string", default: "100000" },
    runs: { type: "string", default: "3" },
    idle: { type: "string", default: "0" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const records = Number(flags.records);
const runs = Number(flags.runs);
const BATCH = 1000;
const LANES = 4;
const writeConcern = { w: "majority", j: true } as const;
const { DocumentSequence } = createRequire(import.meta.url)("mongodb/lib/cmap/commands") as {
  DocumentSequence: new (field: string) => { push(document: object, bson: Uint8Array): number };
};

/** Upserts by key, encoded beforehand, 1,000 a message over four connections; gives the records a second. */
async function floor(client: MongoClient): Promise<number> {
  const db = client.db("floor");
  await db.dropDatabase();
  await db.collection(TABLE).createIndex({ [KEYS.partition]: 1, [KEYS.sort]: 1 }, { unique: true });
  const orders = bsonBlock();
  const messages: Uint8Array[] = [];
  for (let at = 0; at < records; at += BATCH) {
    const statements: Uint8Array[] = [];
    for (let one = at; one < Math.min(records, at + BATCH); one++) {
      const u = BSON.deserialize(cut(orders, one, one + 1).bytes, { promoteValues: false });
      delete u["_id"];
      const q = { [KEYS.partition]: u[KEYS.partition], [KEYS.sort]: u[KEYS.sort] };
      statements.push(BSON.serialize({ q, u, upsert: true }));
    }
    messages.push(Buffer.concat(statements));
  }
  const queue = messages.values();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (const message of queue) {
        const updates = new DocumentSequence("updates");
        updates.push({}, message);
        const answer = await db.command({ update: TABLE, updates, ordered: false, writeConcern });
        if (answer["writeErrors"]) throw new Error(JSON.stringify(answer["writeErrors"]));
      }
    }),
  );
  return (records / (performance.now() - started)) * 1000;
}

interface Stats {
  firstRequestAt: number;
  firstRecordAt: number;
  getRecords: number;
}

/** The tool from its start until all is applied; it is stopped by SIGTERM then. */
async function tool(client: MongoClient, uri: string, cwd: string) {
  await client.db("bench").dropDatabase();
  for (const name of ["bench-checkpoint", "bench-checkpoint-state"]) await client.db(name).dropDatabase();
  const source = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dirname, "stream-source.ts"),
      `--records=${records}`,
      `--idle=${flags.idle}`,
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  try {
    const { value } = await source.stdout.getReader().read();
    const url = new TextDecoder().decode(value).trim();
    const settings: Record<string, string> = {
      "target.address": uri,
      id: "bench",
      sync_mode: "incr",
      "source.endpoint_url": url,
      "qps.incr": "10000",
      "qps.incr.batch_num": "1000",
      "full_sync.http_port": "-1",
      "incr_sync.http_port": "-1",
      "log.level": "warn",
    };
    const conf = join(cwd, "incr.conf");
    await Bun.write(
      conf,
      Object.entries(settings)
        .map(([key, text]) => `${key} = ${text}\n`)
        .join(""),
    );
    const sets = flags.set.flatMap((each) => ["--set", each]);
    const startedAt = Date.now();
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dirname, "../bin/cli.ts"), `-conf=${conf}`, ...sets],
      {
        cwd,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    let doneAt = 0;
    try {
      const applied = client.db("bench").collection(TABLE);
      const giveUpAt = Date.now() + 120_000;
      while ((await applied.estimatedDocumentCount()) < records) {
        if (child.exitCode !== null || Date.now() > giveUpAt) {
          throw new Error(`not all was applied:\n${await new Response(child.stderr).text()}`);
        }
        await Bun.sleep(10);
      }
      doneAt = Date.now();
    } finally {
      child.kill("SIGTERM");
      await child.exited;
    }
    const stats = (await (await fetch(`${url}/stats`)).json()) as Stats;
    const usage = child.resourceUsage()!;
    return {
      perSecond: (records / (doneAt - stats.firstRecordAt)) * 1000,
      firstRecordMs: stats.firstRecordAt - startedAt,
      cpuUs: Number(usage.cpuTime.total) / records,
      peakMb: usage.maxRSS / 2 ** 20,
    };
  } finally {
    await source.stdin.end();
    await source.exited;
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

await using cleanup = new AsyncDisposableStack();
const scratch = ownTempFolder("bench-incr");
cleanup.defer(() => scratch.remove());
const mongod = await startMongod({ own: true, cacheGb: 2 });
cleanup.defer(() => mongod.stop());
const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());
const floors: number[] = [];
const tools: Awaited<ReturnType<typeof tool>>[] = [];
for (let run = 0; run <= runs; run++) {
  const least = await floor(client);
  const mine = await tool(client, mongod.uri, scratch.folder);
  console.error(
    `${run === 0 ? "warm-up" : `run ${run}`}: floor ${Math.round(least)}/s, tool ${Math.round(mine.perSecond)}/s`,
  );
  if (run === 0) continue;
  floors.push(least);
  tools.push(mine);
}
const of = (pick: (each: (typeof tools)[number]) => number): number => median(tools.map(pick));
const [least, mine] = [median(floors), of(({ perSecond }) => perSecond)];
const target = Math.min(30_000, least / 2);
console.log(
  [
    `${records} records over 4 shards${flags.idle === "0" ? "" : ` and ${flags.idle} idle ones`}, median of ${runs}:`,
    `  floor: ${Math.round(least)} records/s`,
    `  tool:  ${Math.round(mine)} records/s, ${(mine / least).toFixed(2)} of the floor`,
    `  first record asked for ${Math.round(of(({ firstRecordMs }) => firstRecordMs))} ms after the start`,
    `  CPU ${of(({ cpuUs }) => cpuUs).toFixed(1)} µs a record, peak memory ${Math.round(of(({ peakMb }) => peakMb))} MB`,
    `${mine >= target ? "ok  " : "MISS"}  at least ${Math.round(target)} records/s: 30,000 or half of the floor`,
  ].join("\n"),
);
