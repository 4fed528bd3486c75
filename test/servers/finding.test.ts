/** A machine that lacks something: one clear line says what to install or to set, and nothing is left half-made. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onPath } from "./command.ts";
import { startDynamoDB } from "./dynamodb.ts";
import { startMongod } from "./mongod.ts";
import { findPython } from "./python.ts";

setDefaultTimeout(180_000);

let folder: string;
let bin: string;
let cache: string;
let before: NodeJS.ProcessEnv;

/** A machine with a shell and an empty cache, and downloads that have failed a moment ago. */
beforeEach(() => {
  before = { ...process.env };
  folder = mkdtempSync(join(tmpdir(), "nimo-shake-finding-"));
  bin = join(folder, "bin");
  cache = join(folder, "cache");
  mkdirSync(bin);
  mkdirSync(join(cache, "nimo-shake"), { recursive: true });
  for (const name of ["sh", "rm", "sleep", "cat"]) symlinkSync(onPath(name)!, join(bin, name));
  for (const name of ["python-3.12.11", "dynamodb-local"])
    writeFileSync(join(cache, "nimo-shake", `${name}.failed`), "no network");
  for (const name of ["NIMO_TEST_DYNAMODB", "DYNAMODB_LOCAL_HOME", "JAVA_HOME"]) delete process.env[name];
  Object.assign(process.env, { PATH: bin, XDG_CACHE_HOME: cache });
});

afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(folder, { recursive: true });
});

function command(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!${join(bin, "sh")}\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** A Python that answers questions as the one of this version does, and runs `pip` for its own. */
function python(version: string, pip = "exit 0"): void {
  command(
    "python3",
    `case "$*" in
      *"import sys"*) echo "${version} ${join(bin, "python3")}" ;;
      *"import pip"*) ${pip === "none" ? "echo 'No module named pip' >&2; exit 1" : "exit 0"} ;;
      *"-m pip"*) ${pip} ;;
    esac`,
  );
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "none",
    (error: Error) => error.message,
  );
}

/** Nothing but what was there, and what is remembered of failures. */
function expectCleanCache(): void {
  const left = readdirSync(join(cache, "nimo-shake")).filter((name) => !name.endsWith(".failed"));
  expect(left).toEqual([]);
}

test("no Python and no DynamoDB Local", async () => {
  const failure = await failureOf(startDynamoDB());
  expect(failure).toStartWith("no DynamoDB server; tried:\n  dynamodb-local on the PATH: not found\n");
  expect(failure).toContain("download of DynamoDB Local: no Java 17 or later for it");
  expect(failure).toContain(
    "Python package ministack==1.5.33: no Python 3.10 or newer with pip (download of Python: no network (tried before",
  );
  expect(failure).toContain(
    "Install Python 3.10 or newer with pip, or set NIMO_TEST_DYNAMODB=http://host:port",
  );
  expectCleanCache();
});

test.each([
  ["3 9", "exit 0", "python3: it is version 3.9, 3.10 or newer is needed"],
  ["2 7", "exit 0", "python3: it is version 2.7, 3.10 or newer is needed"],
  ["3 12", "none", "python3: it has no pip"],
])("a Python that can't be used: %s, pip: %s", async (version, pip, says) => {
  python(version, pip);
  const failure = await failureOf(findPython());
  expect(failure).toContain(says);
  expect(failure).toEndWith("Install python3 and python3-pip.");
  const whole = await failureOf(startDynamoDB());
  expect(whole).toContain(
    `ministack==1.5.33: no Python 3.10 or newer with pip (${says}; download of Python:`,
  );
});

test("a newer one beside an old one is taken", async () => {
  python("3 9");
  command("python3.12", `echo "3 12 ${join(bin, "python3.12")}"`);
  expect(await findPython()).toBe(join(bin, "python3.12"));
});

test("no network: what pip couldn't reach, not what it made of it", async () => {
  python(
    "3 12",
    `echo "WARNING: Retrying after connection broken by 'NewConnectionError(: [Errno 111] Connection refused')'" >&2
     echo "ERROR: No matching distribution found for ministack==1.5.33" >&2; exit 1`,
  );
  const failure = await failureOf(startDynamoDB());
  expect(failure).toContain(
    "Python package ministack==1.5.33: pip can't reach its package index for ministack==1.5.33: [Errno 111] Connection refused\n",
  );
  expectCleanCache();
});

test("a package that doesn't run is not kept", async () => {
  python("3 12", "exit 0"); // installs nothing
  const failure = await failureOf(startDynamoDB());
  expect(failure).toContain("Python package ministack==1.5.33: it doesn't start");
  expectCleanCache();
});

test("killed in the midst of fetching: nothing half-made, and the next one fetches", async () => {
  const begun = join(folder, "begun");
  python("3 12", `echo > ${begun}; sleep 30`);
  const script = `
    const { startDynamoDB } = await import(${JSON.stringify(new URL("./dynamodb.ts", import.meta.url).href)});
    await startDynamoDB();
  `;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { ...process.env },
    stdout: "ignore",
    stderr: "ignore",
  });
  while (!existsSync(begun)) await sleep(20);
  child.kill("SIGKILL");
  await child.exited;
  const there = (): string[] => readdirSync(join(cache, "nimo-shake"), { recursive: true }) as string[];
  for (
    const deadline = Date.now() + 5000;
    there().some((name) => name.startsWith(".")) && Date.now() < deadline;
  )
    await sleep(20);
  expect(there().filter((name) => !/\.(failed|lock)$/.test(name))).toEqual([]);
  rmSync(begun);
  python("3 12", "echo 'ERROR: asked again' >&2; exit 1");
  expect(await failureOf(startDynamoDB())).toContain("asked again");
  expectCleanCache();
});

test("DYNAMODB_LOCAL_HOME without what it should have", async () => {
  process.env.DYNAMODB_LOCAL_HOME = folder;
  expect(await failureOf(startDynamoDB())).toContain(
    `DYNAMODB_LOCAL_HOME: no DynamoDBLocal.jar in ${folder}`,
  );
});

test("an address that answers something else, or not at all", async () => {
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) =>
      new URL(request.url).pathname === "/page" ? new Response("<!DOCTYPE html>") : Response.json({ ok: 1 }),
  });
  for (const [address, says] of [
    [`${server.url}page`, "ListTables is answered by something that isn't JSON: <!DOCTYPE html>"],
    [`${server.url}`, "its answer to ListTables has no TableNames"],
    ["http://127.0.0.1:9", "ECONNREFUSED"],
    ["nonsense", "URL"],
  ] as const) {
    process.env.NIMO_TEST_DYNAMODB = address;
    const failure = await failureOf(startDynamoDB());
    expect(failure).toStartWith(`NIMO_TEST_DYNAMODB=${address}: no DynamoDB answers there: `);
    expect(failure).toContain(says);
    expect(failure).not.toContain("\n");
  }
  process.env.NIMO_TEST_MONGODB = "mongodb://user:secret@127.0.0.1:9";
  const failure = await failureOf(startMongod());
  expect(failure).toStartWith("NIMO_TEST_MONGODB=mongodb://");
  expect(failure).toContain("no MongoDB answers there: ");
  expect(failure).not.toContain("secret");
});
