/** What `check` shows of the source, and which rights are granted there: each tried with the smallest read there is. */
import {
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import type { Config } from "../../../core/config/config.ts";
import { inParallel } from "../../../core/flow/parallel.ts";
import type { Context } from "../../../core/plugin/context.ts";
import type { Right, Source, TableFacts } from "../../../core/plugin/roles.ts";
import { keyAttributes } from "../../../core/schema/keys.ts";
import { setField } from "../../../core/schema/set-field.ts";
import type { Item, KeyType, Table } from "../../../core/types.ts";
import { createCalls } from "../../_dynamodb/calls.ts";
import { type Action, createRightList } from "../../_dynamodb/rights.ts";
import type { Lookups } from "./absent-keys.ts";
import type { Scan } from "./scan-call.ts";
import { scanPage } from "./scan-page.ts";
import { namedTables } from "./table-names.ts";

/** Tables looked at at once. */
const LOOKS = 8;
/** A key of an item that nobody has: looked up where a table has none. */
const NOBODY: Record<KeyType, object> = {
  S: { S: "nimo-shake check" },
  N: { N: "0" },
  B: { B: "bmltby1zaGFrZQ==" },
};

/** What {@link createInspection} works with. */
export interface InspectionParts {
  connected: () => DynamoDBClient;
  scan: Scan;
  lookups: Lookups;
  /** By name what DescribeTable has told last. */
  descriptions: () => ReadonlyMap<string, TableDescription>;
}

/** Makes what looks. */
export function createInspection(ctx: Context, parts: InspectionParts): NonNullable<Source["inspect"]> {
  const { connected, scan, lookups, descriptions } = parts;
  const { config } = ctx;
  const calls = createCalls(ctx, "source");
  const actions = actionsOf(config);

  /** Gives the first item, for its key. */
  function scanOne({ name, ...table }: Table, signal: AbortSignal): Promise<Item | undefined> {
    const names = keyAttributes({ name, ...table }).map((each) => each.name);
    return scan(
      { TableName: name, Limit: 1 },
      {
        capacity: undefined,
        signal,
        parse: (body) =>
          scanPage(body, names, (item) => ({ op: "put", event: "SCAN", keys: item, item })).records[0]?.item,
      },
    );
  }

  async function expiryOf({ name }: Table, signal: AbortSignal): Promise<string | null> {
    const command = new DescribeTimeToLiveCommand({ TableName: name });
    const { TimeToLiveDescription: found } = await calls(
      { call: "DescribeTimeToLive", table: name },
      signal,
      () => connected().send(command, { abortSignal: signal }),
    );
    return found?.TimeToLiveStatus === "DISABLED" ? null : (found?.AttributeName ?? null);
  }

  return async (tables, signal) => {
    const rights = createRightList(signal);
    const facts = new Map<string, TableFacts>();
    const times: number[] = [];
    await inParallel(tables, LOOKS, async (table) => {
      const { name } = table;
      const expiry = await rights.try(actions.expiry, name, () => expiryOf(table, signal));
      const began = performance.now();
      const item = await rights.try(actions.scan, name, async () => {
        const found = await scanOne(table, signal);
        times.push(performance.now() - began);
        return found;
      });
      await rights.try(actions.lookUp, name, () => lookups.items(table, [keyIn(item, table)], signal));
      facts.set(name, { ...factsOf(descriptions().get(name)), ...(expiry !== undefined && { expiry }) });
    });
    const [arn] = [...descriptions().values()].flatMap(({ TableArn }) => TableArn ?? []);
    const account = /^arn:[^:]*:dynamodb:[^:]*:(\d+):/.exec(arn ?? "")?.[1];
    // Where none is known the first call has said so.
    const region = await connected()
      .config.region()
      .catch(() => undefined);
    return {
      ...(config["source.endpoint_url"] !== "" && { endpoint: config["source.endpoint_url"] }),
      ...(region !== undefined && { region }),
      ...(account !== undefined && { account }),
      // The first one connects, and others wait for their turn.
      ...(times.length > 0 && { roundTrip: Math.min(...times) }),
      tables: facts,
      rights: [...describing(config, tables), ...rights.list()],
    };
  };
}

/** What a run needs of what is tried. */
function actionsOf(config: Config): Record<"scan" | "lookUp" | "expiry", Action> {
  const again = config.sync_mode !== "full" && config.on_gap === "resync";
  const copies = config.sync_mode !== "incr" && !config.sync_schema_only;
  const compares = ["sample", "full"].includes(config["verify.after_full"]) && copies;
  return {
    scan: { action: "dynamodb:Scan", purpose: "read the items", isNeeded: copies || again },
    lookUp: {
      action: "dynamodb:BatchGetItem",
      purpose: again ? "copy a table again after a gap, and to verify" : "verify",
      isNeeded: again || compares,
    },
    expiry: {
      action: "dynamodb:DescribeTimeToLive",
      purpose: "know which items expire, for verify",
      isNeeded: false,
    },
  };
}

/** Who has tables has been granted to find them. */
function describing(config: Config, tables: Table[]): Right[] {
  const on = tables.map(({ name }) => name);
  if (on.length === 0) return [];
  const granted = { on, state: "granted", isNeeded: true } as const;
  return [
    ...(namedTables(config) === undefined
      ? [{ ...granted, action: "dynamodb:ListTables", purpose: "find the tables" }]
      : []),
    { ...granted, action: "dynamodb:DescribeTable", purpose: "know the tables' keys and sizes" },
  ];
}

function factsOf(description: TableDescription | undefined): TableFacts {
  const {
    StreamSpecification: stream,
    BillingModeSummary: billing,
    ProvisionedThroughput: provisioned,
  } = description ?? {};
  const [read, write] = [provisioned?.ReadCapacityUnits ?? 0, provisioned?.WriteCapacityUnits ?? 0];
  const onDemand = billing?.BillingMode === "PAY_PER_REQUEST";
  return {
    ...(stream?.StreamEnabled && { streamView: stream.StreamViewType ?? "unknown" }),
    ...(onDemand && { billing: "on demand" as const }),
    ...(!onDemand &&
      read > 0 && { billing: "provisioned" as const, readCapacity: read, writeCapacity: write }),
  };
}

/** An item's key, or one that no item has. */
function keyIn(item: Item | undefined, table: Table): Item {
  const key: Item = {};
  for (const { name, type } of keyAttributes(table)) setField(key, name, item?.[name] ?? NOBODY[type]);
  return key;
}
