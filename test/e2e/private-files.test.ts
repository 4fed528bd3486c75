/** What the commands make on the disk is for who runs them only, whatever the umask: items, keys and states are in it. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";

setDefaultTimeout(180_000);

const usual = process.umask();
afterEach(() => void process.umask(usual));

/** Modes by path, of all that was ever seen in a folder while it is watched; what the test has put there doesn't count. */
function watch(folder: string) {
  const before = new Set(pathsIn(folder));
  const modes = new Map<string, string>();
  const look = (): void => {
    for (const path of pathsIn(folder)) {
      const stat = before.has(path) ? undefined : lstatSync(join(folder, path), { throwIfNoEntry: false });
      if (stat !== undefined) modes.set(path, (stat.mode & 0o777).toString(8));
    }
  };
  const timer = setInterval(look, 3);
  return {
    modes,
    [Symbol.dispose]() {
      clearInterval(timer);
      look();
    },
  };
}

function pathsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (path) => !/^\d+\.conf$|^nimo-shake$/.test(path),
    );
  } catch {
    // What was there when its folder was read is gone.
    return [];
  }
}

/** Files that a program of the user's makes are his own. */
function plugin({ folder }: Scenario): string {
  writeFileSync(
    join(folder, "skip.ts"),
    `export default {
  name: "skip",
  setup(ctx) {
    ctx.hook("fetch:after", (e) => {
      if (e.records.some(({ keys }) => keys.pk.S === "k1")) throw new Error("not k1");
    });
    ctx.hook("error", (e) => void (e.action = "skip"));
  },
};\n`,
  );
  return "./skip.ts";
}

const files: Settings = {
  "checkpoint.type": "file",
  "checkpoint.address": "kept/checkpoint",
  "log.file": "logs/run.log",
  "log.level": "debug",
  "report.file": "reports/report.json",
};

/** Runs that leave every kind of file. */
const RUNS: Record<string, { made: RegExp[]; run: (s: Scenario) => Promise<void> }> = {
  "a copy into files": {
    made: [
      /^dump$/,
      /^dump\/[^/]+\/t[^/]*\.bson$/,
      /^dump\/[^/]+\/t[^/]*\.metadata\.json$/,
      /\.part$/,
      /-skipped\.jsonl$/,
      /^logs$/,
      /^logs\/run\.log$/,
      /^reports$/,
      /^reports\/report\.json$/,
      /\.pid$/,
      /\.sock$/,
      /^kept$/,
      /^kept\/checkpoint-state\/[^/]+\/table_[^/]*\.jsonl$/,
      /\/lease$/,
    ],
    async run(s) {
      await s.table("t", { items: someItems(400) });
      const target = { "target.type": "file", "target.address": "dump", "qps.full.batch_num": 20 };
      const outcome = await s.cli({ ...files, ...target, plugins: plugin(s) });
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
    },
  },
  "a run that follows out of the spool, and a comparison": {
    made: [
      /^spool$/,
      /\.spool$/,
      /^kept\/checkpoint\/t[^/]*$/,
      /status_table$/,
      /-verify\//,
      /-diff\.jsonl$/,
    ],
    async run(s) {
      const table = await s.table("t", { items: someItems(400) });
      const all = {
        ...files,
        sync_mode: "all",
        "incr_sync.http_port": -1,
        incr_sync_parallel: true,
        "increase.persist.dir": "spool",
        "qps.full.batch_num": 20,
        "qps.full": 10,
      };
      const run = s.start([`-conf=${s.conf(s.settings(all))}`]);
      const copied = (): Promise<number> => s.db.collection(table).countDocuments({});
      await eventually(async () => expect(await copied()).toBeGreaterThan(0));
      // Read before the copy is through, they wait on the disk.
      const Item = { pk: { S: "new" } };
      await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item });
      await eventually(async () => expect(await copied()).toBe(401));
      await eventually(() => {
        expect(readdirSync(join(s.folder, "kept/checkpoint"))).toContain("status_table");
      });
      run.kill("SIGTERM");
      expect((await run.done).code).toBe(143);
      await s.db.collection(table).updateOne({ pk: "k7" }, { $set: { n: 0 } });
      const verified = await s.run(["verify", "-c", s.conf(s.settings(all)), "--settle", "100ms"]);
      expect(verified.code).toBe(3);
    },
  },
};

const umasks = [0o000, 0o022];

describe.each(umasks.map((umask) => [umask.toString(8).padStart(3, "0"), umask] as const))(
  "under umask %s",
  (_, umask) => {
    test.each(Object.keys(RUNS))("%s", async (name) => {
      const { made, run } = RUNS[name]!;
      await using s = await scenario();
      process.umask(umask);
      const watched = watch(s.folder);
      {
        using _watching = watched;
        await run(s);
      }
      const { modes } = watched;
      modes.delete("skip.ts");
      // A socket gets its mode when it is there already: until then it is in a folder that nobody else comes into.
      for (const path of modes.keys()) if (/^\.sock-\w+\/s$/.test(path)) modes.delete(path);
      for (const path of made) expect([...modes.keys()]).toContainEqual(expect.stringMatching(path));
      const wide = [...modes].filter(([, mode]) => (Number.parseInt(mode, 8) & 0o077) !== 0);
      expect(wide).toEqual([]);
    });
  },
);

test("files that are there and that others may read are taken from them, but for the log", async () => {
  await using s = await scenario();
  await s.table("t", { items: someItems(400) });
  const mine = (name: string): string => join(s.folder, name);
  const modeOf = (name: string): string => (lstatSync(mine(name)).mode & 0o777).toString(8);
  for (const name of ["report.json", `${s.id}-skipped.jsonl`, "run.log"]) {
    writeFileSync(mine(name), "");
    chmodSync(mine(name), 0o644);
  }
  const target = { "target.type": "file", "target.address": "dump" };
  const outcome = await s.cli({
    ...files,
    ...target,
    plugins: plugin(s),
    "log.file": "run.log",
    "report.file": "report.json",
  });
  expect(outcome.code).toBe(0);
  expect(modeOf("report.json")).toBe("600");
  expect(modeOf(`${s.id}-skipped.jsonl`)).toBe("600");
  expect(modeOf("run.log")).toBe("644");
});
