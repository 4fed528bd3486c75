/** A target of type aliyun_dynamo_proxy in a context of its own, on an endpoint that is scripted. */
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import { trackTable } from "../../../../core/progress/progress.ts";
import type { Target } from "../../../../core/plugin/roles.ts";
import type { Item, SegmentUnit, SourceRecord, Table } from "../../../../core/types.ts";
import type { EncodedBatch } from "../../../../core/plugin/transcoder.ts";
import proxy from "../../../../plugins/target/aliyun-dynamo-proxy.ts";
import { scanned, testConfig, testTable } from "../../../fakes/context.ts";

const SECOND = 1000;

/** The target and what it is in. */
export interface OpenTarget extends AsyncDisposable {
  ctx: OwnedContext;
  target: Target;
  stop: AbortController;
}

/** Opens it, with placeholder keys unless `settings` say otherwise. */
export async function openTarget(
  endpoint: string,
  settings: Record<string, string> = {},
  patience: number = 5 * SECOND,
): Promise<OpenTarget> {
  const stop = new AbortController();
  const config = testConfig({
    "target.type": "aliyun_dynamo_proxy",
    "target.address": endpoint,
    "target.access_key_id": "key",
    "target.secret_access_key": "secret",
    ...settings,
  });
  const ctx = createContext({ config, signal: stop.signal, patience });
  await ctx.use(proxy);
  return { ctx, target: ctx.role("target"), stop, [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose]() };
}

/** Opens it with table `tab` made and tracked. */
export async function openTable(
  endpoint: string,
  table: Table = tab(),
  settings: Record<string, string> = {},
  patience?: number,
): Promise<OpenTarget> {
  const open = await openTarget(endpoint, settings, patience);
  trackTable(open.ctx.progress, table);
  await open.target.create(table, open.ctx.signal);
  return open;
}

/** Table `tab` with the key `pk`, and what differs. */
export function tab(partition = "pk", sort?: string, more: Partial<Table> = {}): Table {
  return testTable(partition, sort, { name: "tab", targetName: "tab", ...more });
}

/** The only segment of a table. */
export const unitOf = (table: Table): SegmentUnit => ({ phase: "full", table, segment: 0, segments: 1 });

/** Items as records that `same` has converted. */
export function puts(items: Item[], table: Table = tab()): SourceRecord[] {
  return items.map((item) => {
    const record = scanned(item, table);
    return { ...record, key: record.keys as Record<string, unknown>, document: item };
  });
}

/** The same encoded. */
export function encoded(items: Item[], table: Table = tab()): EncodedBatch {
  const texts = items.map((item) => JSON.stringify(item));
  let end = 0;
  const ends = texts.map((text) => (end += Buffer.byteLength(text)));
  const records = puts(items, table);
  return { unit: unitOf(table), bytes: Buffer.from(texts.join("")), ends, record: (i) => records[i]! };
}

/** Items `{ pk: "k0", n: 0 }` and so on. */
export function numberedItems(count: number): Item[] {
  return Array.from({ length: count }, (_, n) => ({ pk: { S: `k${n}` }, n: { N: String(n) } }));
}
