/** What a process has sent that is killed meanwhile: the server carries it out when it comes, and who is next waits for it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect as connectTo, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createConsola } from "consola";
import { MongoClient, MongoNetworkError, MongoServerError } from "mongodb";
import { thisProcess } from "../../../core/host/process.ts";
import { type Connections, connect } from "../../../plugins/_mongodb/client.ts";
import { connectionName, outlast } from "../../../plugins/_mongodb/outlast.ts";
import { sharedServers } from "../../servers/shared.ts";

setDefaultTimeout(60_000);

const CHILD = join(import.meta.dir, "inserting-child.ts");
const database = `outlast-${process.pid}`;
const never = new AbortController().signal;
const log = createConsola({ level: -1 });

let uri: string;
let connections: Connections;
beforeAll(async () => {
  uri = (await sharedServers()).mongoUri;
  connections = await connect(uri, 1, log, { signal: never, abandon: never });
});
afterAll(async () => {
  await connections.data.db(database).dropDatabase();
  await connections.close();
});

const count = (): Promise<number> => connections.data.db(database).collection("c").countDocuments();

/** A way to the server on which what is sent may be held up, its end too. */
async function slowWay(): Promise<{ server: Server; port: number; hold(): void; go(): void }> {
  const { hostname: host, port } = new URL(uri);
  let held: (() => void)[] | undefined;
  const pass = (work: () => void): void => void (held === undefined ? work() : held.push(work));
  const server = createServer({ allowHalfOpen: true }, (from) => {
    const to = connectTo({ host, port: Number(port), allowHalfOpen: true });
    from.on("data", (bytes) => pass(() => to.write(bytes)));
    from.on("error", () => pass(() => to.destroy()));
    from.on("end", () => pass(() => to.end()));
    to.on("data", (bytes) => from.write(bytes, () => {}));
    to.on("error", () => from.destroy());
    to.on("end", () => from.end());
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    hold: () => void (held = []),
    go() {
      const works = held ?? [];
      held = undefined;
      for (const work of works) work();
    },
  };
}

test("a write that is on its way when its process is killed comes before who waits for that goes on", async () => {
  const way = await slowWay();
  const address = `mongodb://127.0.0.1:${way.port}/?directConnection=true`;
  const child = Bun.spawn([process.execPath, CHILD, address, database], { stdin: "pipe", stdout: "pipe" });
  const said = child.stdout.getReader();
  const says = async (): Promise<string> => new TextDecoder().decode((await said.read()).value).trim();
  try {
    expect(await says()).toBe("ready");
    const { startedAt, ...rest } = { ...thisProcess(), pid: child.pid };
    const ticks = startedAt && readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ")[19];
    const dead = { ...rest, ...(ticks && { startedAt: ticks }) };
    way.hold();
    child.stdin.write("go\n");
    await child.stdin.flush();
    expect(await says()).toBe("sent");
    await sleep(100);
    child.kill("SIGKILL");
    await child.exited;

    let isOver = false;
    const waited = outlast(connections, dead, { log, signal: never, patience: 120_000 }).then(async () => {
      isOver = true;
      return count();
    });
    await sleep(500);
    expect([isOver, await count()]).toEqual([false, 1]);
    way.go();
    // The server has carried it out, though nobody was there any more to hear of it.
    expect(await waited).toBe(2);
  } finally {
    child.kill("SIGKILL");
    way.go();
    way.server.close();
  }
});

test("it is waited for no longer than there is patience, and never for one's own process", async () => {
  const warnings: string[] = [];
  const teller = createConsola({
    level: 1,
    reporters: [{ log: ({ args }) => warnings.push(String(args[0])) }],
  });
  const ctx = { log: teller, signal: never, patience: 300 };
  await outlast(connections, thisProcess(), ctx);
  expect(warnings).toEqual([]);
  const dead = { ...thisProcess(), pid: 1 };
  const address = `${uri}${uri.includes("?") ? "&" : "/?"}appName=${encodeURIComponent(connectionName(dead))}`;
  await using other = new MongoClient(address);
  await other.connect();
  await outlast(connections, dead, ctx);
  expect(warnings).toEqual([
    `the server still has connections of ${connectionName(dead)}, which is dead: going on without their end`,
  ]);
});

describe("a server that", () => {
  const dead = { ...thisProcess(), pid: 1 };
  const at = (connections: number) => async () => ({
    cursor: { firstBatch: Array.from({ length: connections }) },
  });
  const fails = (why: Error) => () => Promise.reject(why);
  const stepsDown = fails(new MongoServerError({ code: 10107, message: "not primary" }));
  const cut = fails(new MongoNetworkError("connection closed"));
  const denies = fails(new MongoServerError({ code: 13, message: "not authorized" }));
  const hangs = ({ signal }: { signal: AbortSignal }): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  type Command = (options: { signal: AbortSignal }) => Promise<unknown>;

  /** How often it is asked that answers so, the last one again and again; and what is warned of. */
  async function asked(answers: Command[], patience: number): Promise<[number, string[]]> {
    const warnings: string[] = [];
    const teller = createConsola({
      level: 1,
      reporters: [{ log: ({ args }) => warnings.push(String(args[0])) }],
    });
    let times = 0;
    const command = (_: object, options: { signal: AbortSignal }): Promise<unknown> =>
      answers[Math.min(times++, answers.length - 1)]!(options);
    const patient = { db: () => ({ command }) } as never;
    await outlast({ patient, isMongos: false }, dead, { log: teller, signal: never, patience });
    return [times, warnings];
  }

  test("can't answer just now is asked again", async () => {
    expect(await asked([stepsDown, cut, at(1), cut, at(0)], 120_000)).toEqual([5, []]);
  });

  test("doesn't tell isn't waited for", async () => {
    expect(await asked([at(1), denies], 120_000)).toEqual([2, []]);
  });

  test.each([
    ["never answers", hangs, "The operation timed out."],
    ["always fails", cut, "connection closed"],
  ])("%s is waited for no longer than there is patience", async (_, command, why) => {
    const [, warnings] = await asked([command], 300);
    const unseen = `whether connections of ${connectionName(dead)}, which is dead, are left can't be seen: ${why}`;
    expect(warnings).toEqual([`${unseen}: going on without their end`]);
  });
});

test("a name is of one process, and no longer than the server takes", () => {
  const here = thisProcess();
  const names = [
    here,
    { ...here, pid: here.pid + 1 },
    { ...here, startedAt: "1" },
    { ...here, host: "é".repeat(300) },
  ];
  expect(new Set(names.map(connectionName)).size).toBe(4);
  for (const name of names.map(connectionName)) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(128);
});
