/** Keys, tokens and passwords never come out again: not on a terminal, not in a log file, not in an error. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startStandIn } from "../stand-in/dynamodb.ts";
import type { Misbehaviour } from "../stand-in/dynamodb.ts";
import { scenario, someItems } from "./helpers.ts";
import type { Outcome, Scenario, Settings } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

// In two parts, so that nobody takes it for a real one.
const KEY = `AKIA${"VERYSECRETKEYID0"}`;
const SECRET = "wJalrXUtnFEMIverySecret";
const TOKEN = "IQoJb3JpZ2luVerySecretToken";
const PASSWORD = "p@ss/verySecret";
const ENCODED = encodeURIComponent(PASSWORD);
const SECRETS = [KEY, SECRET, TOKEN, PASSWORD, ENCODED, "verySecret", "VerySecret"];

const KEYS = {
  "source.access_key_id": KEY,
  "source.secret_access_key": SECRET,
  "source.session_token": TOKEN,
};

let s: Scenario;
let user: string;
beforeAll(async () => {
  s = await scenario();
  await s.table("secret", { items: someItems(3) });
  user = s.id;
  // a server without access control checks the password all the same
  await s.client.db("admin").command({ createUser: user, pwd: PASSWORD, roles: ["root"] });
});
afterAll(async () => {
  await s.client.db("admin").command({ dropUser: user });
  await s[Symbol.asyncDispose]();
});

function address(username = user): string {
  const uri = new URL(s.mongoUri);
  uri.username = username;
  return uri.href.replace("@", `:${ENCODED}@`);
}

/** In everything a run left behind. */
function expectNoSecret({ stdout, stderr }: Outcome, logFile?: string): void {
  const path = join(s.folder, logFile ?? "");
  const log = logFile !== undefined && existsSync(path) ? readFileSync(path, "utf8") : "";
  const lines = `${stdout}\n${stderr}\n${log}`.split("\n");
  expect(lines.filter((line) => SECRETS.some((secret) => line.includes(secret)))).toEqual([]);
}

const DEBUG = { "log.level": "debug", "target.db.exist": "drop", ...KEYS };

describe("at debug level", () => {
  test.each<[string, () => Settings, boolean]>([
    ["a run that succeeds", () => ({ "target.address": address() }), true],
    ["refused by the target", () => ({ "target.address": address("nobody") }), false],
    [
      "an impossible port",
      () => ({ "target.address": `mongodb://${user}:${ENCODED}@127.0.0.1:99999` }),
      false,
    ],
    ["a second @", () => ({ "target.address": `mongodb://${user}:${PASSWORD}@127.0.0.1@127.0.0.1` }), false],
    ["an unknown option in the address", () => ({ "target.address": `${address()}&frob=1` }), false],
    ["an address without its scheme", () => ({ "target.address": `${user}:${PASSWORD}@127.0.0.1` }), false],
    [
      "an unreachable source",
      () => ({ "source.endpoint_url": `http://${user}:${ENCODED}@127.0.0.1:1` }),
      false,
    ],
    ["a token without its key", () => ({ "source.access_key_id": "" }), false],
  ])("%s, on standard output and in a log file", async (name, settings, succeeds) => {
    for (const logFile of [undefined, `${name}.log`]) {
      const run = await s.cli({ ...DEBUG, ...(logFile && { "log.file": logFile }), ...settings() });
      expectNoSecret(run, logFile);
      expect(run.code === 0).toBe(succeeds);
      if (!succeeds) continue;
      const log = logFile === undefined ? run.stdout : readFileSync(join(s.folder, logFile), "utf8");
      expect(log).toMatch(/Scan of table \S+, .*: \d+ bytes after \d+ ms, status 200, request /);
      expect(log).toMatch(/segment 0: page: 3 items, \d+ bytes, 3 to write/);
      expect(log).toMatch(/segment 0: batch written: 3 inserted/);
      expect(log).toMatch(/checkpoint of table \S+ saved in \d+ ms: segment 0 of 1, 3 items, its end/);
      // Nor does a value, of a key or another attribute.
      expect(log).not.toMatch(/xxxx|"k0"|k1\b/);
    }
  });
});

test.each<[string, string]>([
  ["a wrapped token", `source.session_token = ${TOKEN}\n${TOKEN}\n`],
  ["a misspelt key", `source.secret_acess_key = ${SECRET}\n`],
  ["no equals sign", `source.secret_access_key ${SECRET}\n`],
  ["a key without its secret", `source.access_key_id = ${KEY}\n`],
])("a conf with %s", async (_, text) => {
  const path = join(s.folder, `${Bun.hash(text)}.conf`);
  writeFileSync(path, text);
  const run = await s.run(["-conf", path]);
  expect(run.code).toBe(2);
  expectNoSecret(run);
});

test("--set with a secret and a mistake", async () => {
  for (const set of [`source.secret_acess_key=${SECRET}`, `target.address=${user}:${PASSWORD}@h`, SECRET]) {
    const run = await s.cli({}, ["--set", set]);
    expect(run.code).toBe(2);
    expectNoSecret(run);
  }
});

test.each<[string, string]>([
  // as the service does: the canonical request has the token and the key's scope in it
  [
    "InvalidSignatureException",
    `The Canonical String should have been 'POST\n/\n\nx-amz-security-token:${TOKEN}\nCredential=${KEY}/20260101'`,
  ],
  ["UnrecognizedClientException", `no such key ${KEY}`],
])("an answer of the source that repeats them: %s", async (error, message) => {
  const answer: Misbehaviour = { error, message };
  await using source = await startStandIn({ misbehave: () => answer });
  const run = await s.cli({ ...DEBUG, "source.endpoint_url": source.endpoint });
  expect(run.code).toBe(1);
  expectNoSecret(run);
});
