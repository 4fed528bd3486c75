/** Tables that can't be read just now: they refuse no restart of a run that follows others. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type ConfigInput, migrate } from "nimo-shake";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** A source whose tables of some names are said to have a status; a DENIED one may not be described. */
function source(s: Scenario) {
  const statuses = new Map<string, string>();
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      const body = await request.text();
      const target = request.headers.get("x-amz-target") ?? "";
      const name = target.endsWith(".DescribeTable")
        ? (JSON.parse(body) as { TableName: string }).TableName
        : "";
      const status = statuses.get(name);
      const headers = { "content-type": "application/x-amz-json-1.0" };
      if (status === "DENIED") {
        const __type = "com.amazon.coral.service#AccessDeniedException";
        return Response.json({ __type, message: "no" }, { status: 400, headers });
      }
      const sent = { method: "POST", headers: request.headers, body };
      const answer = await fetch(s.dynamoEndpoint, sent);
      if (status === undefined)
        return new Response(await answer.arrayBuffer(), { status: answer.status, headers });
      const described = (await answer.json()) as { Table: { TableStatus: string } };
      described.Table.TableStatus = status;
      return Response.json(described, { headers });
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  const settings: Settings = {
    sync_mode: "all",
    "source.endpoint_url": url,
    "source.streams_endpoint_url": url,
    "filter.collection.white": `*.${s.id}`,
    "incr_sync.http_port": -1,
    "increase.new_tables": 1,
  };
  return {
    statuses,
    conf: () => s.conf(s.settings(settings)),
    start: () => migrate({ config: s.settings(settings) as ConfigInput }),
    [Symbol.dispose]: () => void server.stop(true),
  };
}

type Run = ReturnType<ReturnType<typeof source>["start"]>;
const state = (run: Run, table: string) => run.status().tables.find(({ name }) => name === table)?.state;
const follows = (run: Run, table: string, as: "following" | "deleted" = "following"): Promise<void> =>
  eventually(() => expect(state(run, table)).toBe(as));
const stop = async (run: Run): Promise<void> => {
  run.stop();
  await run;
};

test.each(["CREATING", "DENIED"])(
  "one that is new and %s is left out, and joins when it can",
  async (status) => {
    await using s = await scenario();
    using from = source(s);
    const t = await s.table("t", { items: someItems(3) });
    const first = from.start();
    await follows(first, t);
    await stop(first);

    const u = await s.table("u", { items: someItems(2) });
    from.statuses.set(u, status);
    const check = await s.run(["check", "-c", from.conf()]);
    expect(check.stdout).toContain(`${u} is left out`);
    expect(check.code).toBe(0);
    const again = from.start();
    await follows(again, t);
    await dynamo(s.dynamoEndpoint, "PutItem", { TableName: t, Item: { pk: { S: "later" } } });
    await eventually(async () => expect(await s.db.collection(t).countDocuments()).toBe(4));
    expect(state(again, u)).toBeUndefined();
    from.statuses.clear();
    await follows(again, u);
    expect(await s.db.collection(u).countDocuments()).toBe(2);
    await stop(again);
  },
);

test("one that was followed and is being deleted ends as deleted", async () => {
  await using s = await scenario();
  using from = source(s);
  const [t, gone] = [
    await s.table("t", { items: someItems(3) }),
    await s.table("gone", { items: someItems(2) }),
  ];
  const first = from.start();
  await follows(first, t);
  await follows(first, gone);
  await stop(first);
  from.statuses.set(gone, "DELETING");
  const check = await s.run(["check", "-c", from.conf()]);
  expect([check.code, check.stdout.includes(`${gone} is being deleted`)]).toEqual([0, true]);
  const again = from.start();
  await follows(again, t);
  await follows(again, gone, "deleted");
  expect(await s.db.collection(gone).countDocuments()).toBe(2);
  await stop(again);
});

test("one that was followed and may not be described refuses it, and so does any at the first start", async () => {
  await using s = await scenario();
  using from = source(s);
  const t = await s.table("t", { items: someItems(3) });
  const u = await s.table("u", { items: someItems(2) });
  from.statuses.set(u, "CREATING");
  expectRefusal(await s.run(["-c", from.conf()]), { exit: 2, code: "TABLE_UNFIT", says: [u] });
  from.statuses.clear();
  const first = from.start();
  await follows(first, t);
  await follows(first, u);
  await stop(first);
  from.statuses.set(u, "DENIED");
  expectRefusal(await s.run(["-c", from.conf()]), { exit: 1, code: "SOURCE_DENIED", says: [] });
  expect((await s.run(["check", "-c", from.conf()])).code).not.toBe(0);
});
