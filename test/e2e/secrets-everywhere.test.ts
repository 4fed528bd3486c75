/**
 * All that the commands leave anywhere, searched for each secret that they were given, in each form that a text can have: the
 * terminal, logs, every path of the port, files, both databases of checkpoints, arguments of processes. A plugin says all of
 * them aloud, in its log lines and its errors, as a service might.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EJSON } from "bson";
import { spoken, tracesOf } from "../fakes/text-forms.ts";
import { eventually } from "./eventually.ts";
import { type Outcome, type Running, type Scenario, scenario, type Settings, someItems } from "./helpers.ts";

setDefaultTimeout(180_000);

// In two parts, so that nobody takes it for a real one.
const SECRETS = {
  key: `AKIA${"NOTAREALKEYATALL"}`,
  secret: "wJalrXUtn/FEMI+K7MDENG",
  token: "IQoJb3JpZ2lu//EXAMPLE+token==",
  target: `p@ss/w"o<r>d&' %+ü:9Zq`,
  checkpoint: "checkpoint#word?[x]\\y",
  proxy: "pr0xy-pass&word",
  option: 'plug"in/option',
  salt: "very salty water",
};
const TRACES = Object.values(SECRETS).flatMap(tracesOf);

const env = { HTTPS_PROXY: `http://me:${encodeURIComponent(SECRETS.proxy)}@127.0.0.1:1` };

let s: Scenario;
let table: string;
let users: string[];
let plugin: string;

beforeAll(async () => {
  s = await scenario();
  table = await s.table("t", { items: someItems(30) });
  users = ["target", "checkpoint"].map((name) => `${s.id}-${name}`);
  const admin = s.client.db("admin");
  for (const [i, pwd] of [SECRETS.target, SECRETS.checkpoint].entries())
    await admin.command({ createUser: users[i], pwd, roles: ["root"] });
  plugin = join(s.folder, "aloud.ts");
  writeFileSync(
    plugin,
    `const said = ${JSON.stringify(Object.values(SECRETS).flatMap(spoken))};
export default {
  name: "aloud",
  keepsKeys: true,
  setup(ctx, options) {
    const say = (where) => said.forEach((text) => ctx.log.warn(where + " says >" + text + "<"));
    ctx.hook("table:before", () => say("a hook"));
    ctx.hook("fetch:after", (e) => {
      if (e.records.some(({ keys }) => keys.pk.S === "k1")) throw new Error("k1 is >" + said.join("<>") + "<");
    });
    ctx.hook("error", (e) => void (e.action = options.action));
  },
};\n`,
  );
});
afterAll(async () => {
  for (const user of users) await s.client.db("admin").command({ dropUser: user });
  for (const name of [`${s.id}-kept`, `${s.id}-kept-state`]) await s.client.db(name).dropDatabase();
  await s[Symbol.asyncDispose]();
});

function address(user: string, password: string): string {
  const uri = new URL(s.mongoUri);
  uri.username = user;
  return uri.href.replace("@", `:${encodeURIComponent(password)}@`);
}

const away = (uri: string): string => `${uri.replace(/@[^/]+/, "@127.0.0.1:1")}&serverSelectionTimeoutMS=100`;

const settings = (changes: Settings = {}): Settings =>
  s.settings({
    "source.access_key_id": SECRETS.key,
    "source.secret_access_key": SECRETS.secret,
    "source.session_token": SECRETS.token,
    "target.address": address(users[0]!, SECRETS.target),
    "checkpoint.type": "mongodb",
    "checkpoint.address": address(users[1]!, SECRETS.checkpoint),
    "checkpoint.db": `${s.id}-kept`,
    "target.db.exist": "drop",
    "log.level": "debug",
    plugins: "./aloud.ts",
    "plugin.aloud.api_key": SECRETS.option,
    "plugin.aloud.salt": SECRETS.salt,
    "plugin.aloud.action": "skip",
    ...changes,
  });

/** Lines with a secret in it, and where. */
function found(where: string, text: string): string[] {
  // As a whole it is searched fast, and there is none.
  if (!TRACES.some((each) => text.includes(each))) return [];
  return text.split("\n").flatMap((line) => {
    const trace = TRACES.find((each) => line.includes(each));
    return trace === undefined ? [] : [`${where}: ${trace} in ${line.slice(0, 2000)}`];
  });
}

function inOutcome({ stdout, stderr }: Outcome): string[] {
  return [...found("standard output", stdout), ...found("standard error", stderr)];
}

/** In the files of the working folder that the test hasn't written itself. */
function inFiles(): string[] {
  const paths = readdirSync(s.folder, { recursive: true, encoding: "utf8" }).filter(
    (path) => !/^(\d+\.conf|nimo-shake|aloud\.ts|\.bun.*|written\.conf)$/.test(path),
  );
  return paths.flatMap((path) => {
    const full = join(s.folder, path);
    return [
      ...found("a name", path),
      ...(statSync(full).isFile() ? found(path, readFileSync(full, "utf8")) : []),
    ];
  });
}

async function inDatabases(): Promise<string[]> {
  const { databases } = await s.client.db("admin").admin().listDatabases({ nameOnly: true });
  const all: string[] = [];
  for (const { name } of databases.filter((each) => each.name.startsWith(s.id))) {
    for (const collection of await s.client.db(name).collections()) {
      const documents = await collection.find().toArray();
      all.push(...found(`${name}.${collection.collectionName}`, EJSON.stringify(documents)));
    }
  }
  return all;
}

const cli = async (args: string[]): Promise<Outcome> => {
  const outcome = await s.run(args, env);
  expect(inOutcome(outcome)).toEqual([]);
  return outcome;
};

const logged = (): string => {
  const path = join(s.folder, "run.log");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
};

describe.each(["text", "json"])("log.format = %s", (format) => {
  let conf: string;
  let run: Running;

  beforeAll(async () => {
    conf = s.conf(
      settings({
        sync_mode: "all",
        "log.format": format,
        "log.file": "run.log",
        "full_sync.http_port": 0,
        "incr_sync.http_port": -1,
      }),
    );
    writeFileSync(join(s.folder, "run.log"), "");
    run = s.start(["run", "-c", conf, "--fresh"], env);
    await Promise.race([
      run.done.then((outcome) => Promise.reject(new Error(`it has ended: ${JSON.stringify(outcome)}`))),
      eventually(async () => {
        expect(await s.db.collection(table).countDocuments()).toBe(29);
        expect(logged()).toContain("finish syncing table");
      }),
    ]);
    // For a comparison to find.
    await s.db.collection(table).updateOne({ pk: "k2" }, { $set: { n: -1 } });
  });
  afterAll(() => run.kill("SIGKILL"));

  test("what the plugin says is in the log, and in the file of what was left out, without the secrets", () => {
    expect(logged()).toContain("a hook says >***");
    expect(readFileSync(join(s.folder, `${s.id}-skipped.jsonl`), "utf8")).toContain("k1 is >***");
  });

  test("no path of the port has one", async () => {
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(logged())![0];
    for (const path of ["", "metrics", "healthz", "readyz", "progress", "metric", "conf", "nothing/such"]) {
      const response = await fetch(url + path);
      const text = `${[...response.headers].join("\n")}\n${await response.text()}`;
      expect(found(path, text)).toEqual([]);
    }
    const events = await fetch(`${url}events`);
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("event: status\n") || !text.endsWith("\n\n")) text += (await reader.read()).value;
    await reader.cancel();
    expect(found("events", text)).toEqual([]);
    expect(text).toContain("***");
  });

  test.skipIf(process.platform !== "linux")("no argument of a process has one", () => {
    const pid = Number(readFileSync(join(s.folder, `${s.id}.pid`), "utf8"));
    const parentOf = (name: string): number => {
      try {
        return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1]);
      } catch {
        return 0;
      }
    };
    const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
    const lines = [String(pid), ...children].map((name) => readFileSync(`/proc/${name}/cmdline`, "utf8"));
    expect(lines[0]).toContain(conf);
    expect(lines.flatMap((line) => found("arguments", line))).toEqual([]);
  });

  test.each<[number, string[]]>([
    [0, ["status"]],
    [0, ["status", "--json"]],
    [0, ["set", "qps.full=5000"]],
    [2, ["set", `source.session_token=${SECRETS.token}`]],
    [0, ["pause"]],
    [0, ["resume"]],
    [2, ["check", "--profile", "10"]],
    [2, ["check", "--json"]],
    [2, ["clean", "--yes"]],
    [2, ["run"]],
    [3, ["verify", "--settle", "100ms"]],
    [0, ["init", "--iam"]],
    [0, ["help", "run"]],
  ])("beside it, with exit code %d: %p", async (code, [command, ...args]) => {
    const more = command === "help" ? [] : ["-c", conf];
    expect(await cli([command!, ...more, ...args])).toMatchObject({ code });
  });

  test("a switch-over ends it, and what it leaves has none", async () => {
    expect(await cli(["switchover", "-c", conf])).toMatchObject({ code: 0 });
    const ended = await run.done;
    expect(ended.code).toBe(0);
    expect(inOutcome(ended)).toEqual([]);
    expect(inFiles()).toEqual([]);
    expect(await inDatabases()).toEqual([]);
    const report = readFileSync(join(s.folder, `${s.id}-report.json`), "utf8");
    expect(report).toContain("***");
    expect(await cli(["status", "-c", conf])).toMatchObject({ code: 0 });
    expect(await cli(["check", "-c", conf])).toMatchObject({ stdout: expect.stringContaining(table) });
    expect(await cli(["clean", "-c", conf, "--yes"])).toMatchObject({ code: 0 });
  });
});

test.each<[string, () => Settings]>([
  ["a hook that throws them", () => ({ "plugin.aloud.action": "stop" })],
  ["a target that doesn't know the user", () => ({ "target.address": address("nobody", SECRETS.target) })],
  [
    "a checkpoint that doesn't know the user, log.format = json",
    () => ({ "checkpoint.address": address("nobody", SECRETS.checkpoint), "log.format": "json" }),
  ],
  ["a target that is away", () => ({ "target.address": away(address(users[0]!, SECRETS.target)) })],
  [
    "a checkpoint that is away, log.format = json",
    () => ({ "checkpoint.address": away(address(users[1]!, SECRETS.checkpoint)), "log.format": "json" }),
  ],
  ["a plugin that isn't there", () => ({ plugins: "./nothing-there.ts" })],
])("%s: no command's failure has one", async (_, changes) => {
  const conf = s.conf(settings(changes()));
  for (const [command, ...args] of [["run", "--fresh"], ["check"], ["verify"], ["status"], ["clean"]])
    await cli([command!, "-c", conf, ...args]);
  expect(inFiles()).toEqual([]);
  expect(await inDatabases()).toEqual([]);
});

test("init writes them into its file, and nowhere else", async () => {
  const set = Object.entries(settings()).flatMap(([key, value]) => ["--set", `${key}=${String(value)}`]);
  const outcome = await cli(["init", "written.conf", "--yes", ...set]);
  expect(outcome.code).toBe(0);
  expect(readFileSync(join(s.folder, "written.conf"), "utf8")).toContain(SECRETS.secret);
  expect(inFiles()).toEqual([]);
});
