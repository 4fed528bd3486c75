/** The image: built by the Dockerfile's own steps, and run as a container runs it, in an empty root, as nobody, as process 1. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { YAML } from "bun";
import { freePort } from "../servers/port.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, someItems } from "./helpers.ts";
import { buildStage, canEnter, finalStage, inRoot } from "./image-root.ts";

setDefaultTimeout(180_000);

const COMMIT = { SOURCE_COMMIT: "0123456789", SOURCE_DATE_EPOCH: "1700000000" };
const EXECUTABLE = "/usr/local/bin/nimo-shake";
/** What compose.yaml gives the tool. */
const GIVEN = (
  YAML.parse(await Bun.file(join(import.meta.dirname, "../../compose.yaml")).text()) as {
    services: { "nimo-shake": { environment: Record<string, string> } };
  }
).services["nimo-shake"].environment;

// Elsewhere than on Linux as root it is skipped, and counted so.
describe.skipIf(!canEnter())("the image", () => {
  let folder: string;
  let root: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "nimo-shake-image-"));
    root = join(folder, "root");
    mkdirSync(root);
    finalStage(root, buildStage(folder, COMMIT));
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("tells its version, with what the build was given, and its help", () => {
    const said = (...args: string[]): string =>
      Bun.spawnSync(inRoot(root, EXECUTABLE, ...args)).stdout.toString();
    expect(said("-version")).toMatch(
      /^nimo-shake \d+\.\d+\.\d+ \(commit 0123456789, 2023-11-14, linux-\w+\)\n$/,
    );
    expect(said("--help")).toContain("Commands:\n  init");
  });

  test("a checkpoint in files is in the folder that stays, not beside the executable", async () => {
    await using s = await scenario();
    const table = await s.table("image", { items: someItems(3) });
    const env = {
      NIMO_ID: s.id,
      NIMO_SYNC_MODE: "full",
      NIMO_CHECKPOINT_TYPE: "file",
      NIMO_SOURCE_ENDPOINT_URL: s.dynamoEndpoint,
      NIMO_TARGET_ADDRESS: s.mongoUri,
      NIMO_FILTER_COLLECTION_WHITE: table,
      NIMO_FULL_SYNC_HTTP_PORT: "-1",
      PATH: process.env["PATH"]!,
    };
    const child = Bun.spawn(inRoot(root, EXECUTABLE), { env, stdio: ["ignore", "ignore", "pipe"] });
    expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, ""]);
    expect(readdirSync(join(root, "work"))).toContain("checkpoint-state");
    expect(readdirSync(join(root, "work/checkpoint-state"))).toEqual([s.id]);
    rmSync(join(root, "work/checkpoint-state"), { recursive: true });
    rmSync(join(root, `work/${s.id}-report.json`));
  });

  test("migrates by the environment of compose.yaml, goes on after a kill, and stops when it is asked to", async () => {
    await using s = await scenario();
    const table = await s.table("image", { items: someItems(20) });
    const port = await freePort();
    const env = {
      ...GIVEN,
      NIMO_ID: s.id,
      NIMO_SOURCE_ENDPOINT_URL: s.dynamoEndpoint,
      NIMO_TARGET_ADDRESS: s.mongoUri,
      NIMO_FILTER_COLLECTION_WHITE: table,
      NIMO_FULL_SYNC_HTTP_PORT: String(port),
      NIMO_INCR_SYNC_HTTP_PORT: "-1",
      PATH: process.env["PATH"]!,
    };
    await using cleanup = new AsyncDisposableStack();
    const start = async (): Promise<Started> => {
      const child = Bun.spawn(inRoot(root, EXECUTABLE), { env, stdio: ["ignore", "ignore", "inherit"] });
      const started = { pid: await firstProcess(child.pid), exited: child.exited };
      cleanup.defer(() => {
        if (child.exitCode === null) process.kill(started.pid, "SIGKILL");
      });
      return started;
    };
    const ask = (path: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { host: `10.1.2.3:${port}` } });

    const killed = await start();
    await eventually(async () => expect(await s.db.collection(table).countDocuments()).toBe(20));
    await eventually(async () => expect((await ask("/readyz")).status).toBe(200));
    expect((await ask("/healthz")).status).toBe(200);
    process.kill(killed.pid, "SIGKILL");
    await killed.exited;
    expect(readdirSync(join(root, "work"))).toContain(`${s.id}.pid`);

    const second = await start();
    await eventually(async () => expect((await ask("/readyz")).status).toBe(200));
    for (const Item of someItems(25)) await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item });
    await eventually(async () => expect(await s.db.collection(table).countDocuments()).toBe(25));
    process.kill(second.pid, "SIGTERM");
    expect(await second.exited).toBe(143);
    expect(readdirSync(join(root, "work"))).toEqual([`${s.id}-report.json`]);
  });
});

/** A run in the root: its own process, which is 1 inside, and the end of what holds it. */
interface Started {
  pid: number;
  exited: Promise<number>;
}

/** The process that is 1 inside; a signal for `unshare`, which holds it, would not reach it. */
async function firstProcess(outside: number): Promise<number> {
  let pid = 0;
  await eventually(async () => {
    const children = await Bun.file(`/proc/${outside}/task/${outside}/children`).text();
    pid = Number(children.trim().split(" ")[0]);
    expect(pid).toBeGreaterThan(0);
  });
  return pid;
}
