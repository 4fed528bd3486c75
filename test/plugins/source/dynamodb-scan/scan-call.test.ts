/** What a Scan asks for, and how often: by the SDK's way, and past it. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import type { Page } from "../../../../core/types.ts";
import dynamodbScan from "../../../../plugins/source/dynamodb-scan.ts";
import { testConfig, testTable } from "../../../fakes/context.ts";
import { type Call, type Misbehaviour, startStandIn, type StandIn } from "../../../stand-in/dynamodb.ts";

setDefaultTimeout(180_000);

const ITEMS = Array.from({ length: 5 }, (_, n) => ({ pk: { B: Buffer.from([n, 255]).toString("base64") } }));

function serve(misbehave?: (call: Call) => Misbehaviour | undefined): Promise<StandIn> {
  return startStandIn({ tables: { t: { keys: [["pk", "B"]], items: ITEMS } }, misbehave });
}

async function open(
  { endpoint }: StandIn,
  settings: Record<string, string> = {},
  plugin?: (ctx: OwnedContext) => void,
): Promise<{ ctx: OwnedContext; read: () => Promise<Page[]> } & AsyncDisposable> {
  const ctx = createContext({ config: testConfig({ "source.endpoint_url": endpoint, ...settings }) });
  await ctx.use(dynamodbScan);
  plugin?.(ctx);
  const source = ctx.role("source");
  const { signal } = ctx;
  const beforeRequest = async (): Promise<void> => {};
  const [unit] = source.units({ ...testTable("pk"), keys: { partition: { name: "pk", type: "B" } } });
  return {
    ctx,
    read: () => Array.fromAsync(source.read(unit!, { from: undefined, beforeRequest, signal })),
    [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose](),
  };
}

const bodies = ({ calls }: StandIn): object[] => calls.map(({ body }) => body);
const PAGE = { "qps.full.batch_num": "2" };

describe("a Scan asks for", () => {
  test("no number of items where nothing is said", async () => {
    await using source = await serve();
    await using scan = await open(source);
    expect(await scan.read()).toHaveLength(1);
    expect(bodies(source)).toEqual([
      { TableName: "t", ConsistentRead: false, ReturnConsumedCapacity: "TOTAL" },
    ]);
  });

  test("as many as a second's read units pay for, where only those are limited", async () => {
    await using source = await serve();
    await using scan = await open(source, { "full.read.capacity": "2" });
    await scan.read();
    // Nothing is known of the items: 1 KB each, an eighth of a unit.
    expect(source.calls[0]!.body["Limit"]).toBe(16);
  });

  test("the same by both ways", async () => {
    await using source = await serve();
    await using scan = await open(source, PAGE);
    expect((await scan.read()).flatMap(({ records }) => records.map(({ keys }) => keys))).toEqual(ITEMS);
    const short = bodies(source);
    source.calls.length = 0;
    await using bySdk = await open(source, PAGE, ({ log }) => {
      // At debug level the SDK tells of each call.
      log.level = 4;
      log.setReporters([]);
    });
    await bySdk.read();
    expect(short).toEqual(bodies(source));
    expect(short).toHaveLength(3);
    expect(short[1]).toMatchObject({ Limit: 2, ExclusiveStartKey: ITEMS[1]! });
  });
});

test("a page that comes too late is asked for again with fewer items", async () => {
  await using source = await serve(({ number }) => (number === 2 ? { delayMs: 60_000 } : undefined));
  await using scan = await open(source, { ...PAGE, "source.session.timeout": "1000" });
  expect((await scan.read()).flatMap(({ records }) => records.map(({ keys }) => keys))).toEqual(ITEMS);
  expect(bodies(source).slice(0, 3)).toMatchObject([{ Limit: 2 }, { Limit: 2 }, { Limit: 1 }]);
});

describe("a failure of a Scan past the SDK", () => {
  const failing =
    (from: number, wrong: Misbehaviour) =>
    (call: Call): Misbehaviour | undefined =>
      call.number >= from ? wrong : undefined;

  test.each<[string, Misbehaviour]>([
    ["throttled", { error: "ProvisionedThroughputExceededException" }],
    ["away", { error: "InternalServerError", status: 500 }],
    ["cut", "cut"],
    ["hung up", "hang up"],
  ])("that passes counts as the SDK's own first try: %s", async (_, wrong) => {
    let ended = false;
    await using source = await serve((call) => {
      // The first Scan goes the SDK's way, which is how it becomes known where to.
      if (call.number === 1 || ended) return undefined;
      ended = call.number === 4;
      return wrong;
    });
    await using scan = await open(source, { ...PAGE, "source.session.max_retries": "3" });
    expect(await scan.read()).toHaveLength(3);
    expect(bodies(source)).toHaveLength(3 + 3);
  });

  test("that is about the clock is for the SDK to hear, which sets its own by it", async () => {
    await using source = await serve((call) =>
      call.number === 2 ? { error: "InvalidSignatureException", message: "Signature expired" } : undefined,
    );
    await using scan = await open(source, { ...PAGE, "source.session.max_retries": "0" });
    expect(await scan.read()).toHaveLength(3);
    expect(source.count("Scan")).toBe(4);
  });

  test("that doesn't pass ends it in the SDK's words", async () => {
    await using source = await serve(failing(2, { error: "AccessDeniedException", message: "not you" }));
    await using scan = await open(source, PAGE);
    const failure = await scan.read().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "SOURCE_DENIED" });
    expect((failure as Error).cause).toMatchObject({ name: "AccessDeniedException", message: "not you" });
    expect(source.count("Scan")).toBe(2);
  });

  test("a stop is no failure of the source", async () => {
    await using source = await serve((call) => (call.number > 1 ? { delayMs: 60_000 } : undefined));
    await using scan = await open(source, PAGE);
    const reading = scan.read().catch((error: unknown) => error);
    while (source.count("Scan") < 2) await Bun.sleep(1);
    scan.ctx.stop(new Error("stopped"));
    expect(await reading).toMatchObject({ name: "AbortError" });
    expect(source.count("Scan")).toBe(2);
  });
});
