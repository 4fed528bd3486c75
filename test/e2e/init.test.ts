/** `init` on a terminal and without one, on real servers: the file that it writes runs. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { scenario, someItems } from "./helpers.ts";
import { KEYS, onTerminal } from "./terminal.ts";

setDefaultTimeout(180_000);

test("on a terminal: questions, a password that isn't shown, a target that is corrected, and the file runs", async () => {
  await using s = await scenario();
  const table = await s.table("init", { items: someItems(2) });
  await s.client.db("admin").command({ createUser: s.id, pwd: "p@ss/word", roles: ["root"] });
  const uri = new URL(s.mongoUri);
  uri.username = s.id;
  try {
    await using terminal = onTerminal(
      ["init", "shop.conf", "--set", "sync_mode=full", "--set", `filter.collection.white=${table}`],
      s.folder,
    );
    const { after } = terminal;
    await after("Where are the tables?", KEYS.down, KEYS.enter);
    // What is proposed is taken away first.
    await after("Its address", "\u0015", s.dynamoEndpoint, KEYS.enter);
    await after("the source answers:");
    await after("Where to?", KEYS.enter);
    await after("which is also that of the database", "\u0015", s.id, KEYS.enter);
    await after("Its connection string", "localhost", KEYS.enter);
    await after("must start with mongodb://", ..."localhost".split("").map(() => "\u007f"));
    await after("Its connection string", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200", KEYS.enter);
    await after("connecting to target.address");
    await after("What now?", KEYS.enter);
    await after("Where to?", KEYS.enter);
    await after("Its connection string", uri.href.replace(/\?/, "?authSource=admin&"), KEYS.enter);
    await after(`The password of ${s.id}`, "p@ss/word", KEYS.enter);
    await after("the target answers: database");
    await after("Next: nimo-shake check -c shop.conf");
    expect(await terminal.exited).toBe(0);
    expect(terminal.shown()).not.toContain("p@ss");
    const path = join(s.folder, "shop.conf");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toContain(`${s.id}:p%40ss%2Fword@`);
    const run = await s.run(["run", "-c", path, "--set", "full_sync.http_port=-1"]);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining("full sync done!") });
    expect(await s.db.collection(table).countDocuments({})).toBe(2);
  } finally {
    await s.client.db("admin").command({ dropUser: s.id });
  }
});

test("Ctrl-C at a question: exit 130, and nothing is written", async () => {
  await using s = await scenario();
  await using terminal = onTerminal(["init"], s.folder);
  await terminal.after("Where are the tables?", KEYS.interrupt);
  expect(await terminal.exited).toBe(130);
  await terminal.after("stopped, nothing is written");
  expect(readdirSync(s.folder).filter((name) => name.endsWith(".conf"))).toEqual([]);
});

test("--yes without a terminal: sides that are away are warnings, and no secret is shown", async () => {
  await using s = await scenario();
  const env = { NIMO_TARGET_ADDRESS: "mongodb://u:geheim99@127.0.0.1:1/?serverSelectionTimeoutMS=100" };
  const written = await s.run(["init", "--yes", "--set", `source.endpoint_url=${s.dynamoEndpoint}`], env);
  expect(written).toMatchObject({ code: 0, stdout: expect.stringContaining("nimo-shake check -c") });
  expect(written.stderr).toContain("warning: ");
  expect(written.stdout + written.stderr).not.toContain("geheim99");
  const text = readFileSync(join(s.folder, "nimo-shake.conf"), "utf8");
  expect(text).toContain("\ntarget.address = mongodb://u:geheim99@127.0.0.1:1/");
});
