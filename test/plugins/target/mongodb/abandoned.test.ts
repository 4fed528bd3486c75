/** What may take hours at a server is waited for by nobody once a stopped run is abandoned. */
import { expect, test } from "bun:test";
import { createContext } from "../../../../core/run/context.ts";
import change from "../../../../plugins/convert/change.ts";
import mongodb from "../../../../plugins/target/mongodb.ts";
import { testConfig, testTable } from "../../../fakes/context.ts";
import { startTcpProxy } from "../../../faults/tcp-proxy.ts";
import { sharedServers } from "../../../servers/shared.ts";

/** A user waits no longer after a stop, in ms. */
const MOST = 10_000;

test("a count that has no connection to a silent server ends with the run", async () => {
  const { mongoUri } = await sharedServers();
  await using proxy = await startTcpProxy(Number(new URL(mongoUri).port));
  const config = testConfig({
    "target.address": `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`,
    id: `abandoned-${process.pid}`,
  });
  const stop = new AbortController();
  await using ctx = createContext({ config, signal: stop.signal });
  await ctx.use(change);
  await ctx.use(mongodb);
  const target = ctx.role("target");
  const table = testTable("pk");
  const count = (): Promise<unknown> => target.count(table, ctx.signal).catch((error: unknown) => error);
  // Its session is one that the driver takes its leave of.
  expect(await count()).toBe(0);
  await proxy.set({ kind: "silent" });
  // One has the connection, the others wait for new ones.
  const counts = Promise.all([count(), count(), count()]);
  await Bun.sleep(200);
  const from = performance.now();
  stop.abort(new Error("stopped"));
  for (const end of await counts) expect(end).toBeInstanceOf(Error);
  expect(performance.now() - from).toBeLessThan(MOST);
}, 60_000);
