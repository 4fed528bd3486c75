/** Reading tables, item by item. */
import {
  DescribeTableCommand,
  type DynamoDBClient,
  ListTablesCommand,
  type ScanCommandInput,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { availableParallelism } from "node:os";
import type { Config } from "../../core/config/config.ts";
import type { MigrationError } from "../../core/errors.ts";
import { nameAttributes } from "./dynamodb-scan/filter-expression.ts";
import { keyAttributes } from "../../core/schema/keys.ts";
import { type Attempt, orThrow } from "../../core/flow/attempt.ts";
import { inParallel } from "../../core/flow/parallel.ts";
import { createRateLimiter } from "../../core/flow/rate-limit.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { segmentCount } from "../../core/config/read-concurrency.ts";
import type { Item, SegmentUnit, SourceRecord, Table } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";
import { createLookups } from "./dynamodb-scan/absent-keys.ts";
import { createExpiry } from "./dynamodb-scan/expiry.ts";
import { createInspection } from "./dynamodb-scan/inspect.ts";
import { createNewTables } from "./dynamodb-scan/new-tables.ts";
import { scanPage } from "./dynamodb-scan/scan-page.ts";
import { type Capacity, createCapacity } from "./dynamodb-scan/capacity.ts";
import { createCalls } from "../_dynamodb/calls.ts";
import { createClient } from "../_dynamodb/client.ts";
import { createPinger } from "../_dynamodb/ping.ts";
import { causeName } from "../_dynamodb/errors.ts";
import { createScan } from "./dynamodb-scan/scan-call.ts";
import { missingTables, namedTables, noTable, placeOf, selectTables } from "./dynamodb-scan/table-names.ts";
import { checkUsable, describedTable, isGoing, unusable } from "./dynamodb-scan/described-table.ts";
import { toSdk } from "../_dynamodb/sdk-values.ts";

/** DescribeTable calls at once. */
const DESCRIBES = 8;

/** The source of the full phase: every table by parallel Scan. */
const dynamodbScan: Plugin = definePlugin({
  name: "source/dynamodb-scan",
  setup(ctx) {
    const { config, log } = ctx;
    const filter = filterOf(config);
    const capacities = new Map<string, Capacity>();
    /** By name what was told of the tables last. */
    let descriptions: ReadonlyMap<string, TableDescription> = new Map();
    let client: DynamoDBClient | undefined;
    const connected = (): DynamoDBClient =>
      (client ??= createClient(ctx, ["ScanCommand", "BatchGetItemCommand"]));
    // Whatever reads tables keeps to one rate.
    const mayRead = createRateLimiter(() => config["qps.full"]);
    const scan = createScan(ctx, connected, mayRead);
    const calls = createCalls(ctx, "source", { first: true });
    const pinger = createPinger(ctx, "source", createClient);
    /** One of the tables that are migrated: to describe it is allowed. */
    let known: string | undefined;
    const lookups = createLookups(ctx, connected, mayRead);

    async function listTables(signal: AbortSignal): Promise<string[]> {
      const names: string[] = [];
      let start: string | undefined;
      do {
        const command = new ListTablesCommand(start === undefined ? {} : { ExclusiveStartTableName: start });
        const answer = await calls({ call: "ListTables" }, signal, () =>
          connected().send(command, { abortSignal: signal }),
        );
        names.push(...answer.TableNames!);
        start = answer.LastEvaluatedTableName;
      } while (start !== undefined);
      return names;
    }

    async function describeTable(name: string, signal: AbortSignal): Promise<TableDescription> {
      const command = new DescribeTableCommand({ TableName: name });
      const answer = await calls({ call: "DescribeTable", table: name }, signal, () =>
        connected().send(command, { abortSignal: signal }),
      );
      return answer.Table!;
    }

    /** Undefined: there is none of that name. */
    async function describeIfThere(name: string, signal: AbortSignal): Promise<TableDescription | undefined> {
      try {
        return await describeTable(name, signal);
      } catch (error) {
        if (causeName(error) !== "ResourceNotFoundException") throw error;
        return undefined;
      }
    }

    async function describeListed(signal: AbortSignal, attempt: Attempt): Promise<TableDescription[]> {
      const listed = await listTables(signal);
      const place = await placeOf(connected(), config);
      const missing: MigrationError[] = [];
      const warn = (message: string): void => log.warn(message);
      const names = selectTables(listed, config, place, warn, (error) => void missing.push(error));
      for (const error of missing) await attempt(() => Promise.reject(error));
      if (names.length === 0) throw noTable(listed, place);
      const found = await inParallel(names, DESCRIBES, (name) =>
        attempt(() => describeTable(name, signal), [name]),
      );
      return found.filter((each) => each !== undefined);
    }

    /** Tables that are named needn't be listed, and not everybody may. */
    async function describeNamed(
      names: string[],
      signal: AbortSignal,
      attempt: Attempt,
    ): Promise<TableDescription[]> {
      const missing: string[] = [];
      const found = await inParallel(names, DESCRIBES, (name) =>
        attempt(async () => {
          const description = await describeIfThere(name, signal);
          if (description === undefined) missing.push(name);
          return description;
        }, [name]),
      );
      if (missing.length > 0) {
        const listed = await listTables(signal).catch(() => undefined);
        const place = await placeOf(connected(), config);
        await attempt(() => Promise.reject(missingTables(missing, listed, place)));
      }
      return found.filter((each) => each !== undefined);
    }

    /** What the table's scan may use; undefined: as much as it likes. */
    function capacityOf(table: Table): Capacity | undefined {
      if (config["full.read.capacity"] === undefined) return undefined;
      const capacity = capacities.get(table.name) ?? createCapacity(config, table);
      capacities.set(table.name, capacity);
      return capacity;
    }

    ctx.provide("source", {
      async tables(signal, attempt = orThrow) {
        const named = namedTables(config);
        const found =
          named !== undefined
            ? await describeNamed(named, signal, attempt)
            : await describeListed(signal, attempt);
        await attempt(() => checkUsable(found), unusable(found));
        known = found[0]?.TableName;
        descriptions = new Map(found.map((each) => [each.TableName!, each]));
        return found.map(describedTable);
      },

      async describe({ name }, signal) {
        const description = await describeIfThere(name, signal);
        return description && !isGoing(description) ? describedTable(description) : undefined;
      },

      newTables: createNewTables(ctx, { list: listTables, describe: describeIfThere }),

      units(table, count) {
        const segments = count ?? segmentCount(config, table, availableParallelism());
        return Array.from({ length: segments }, (_, segment) => ({
          phase: "full",
          table,
          segment,
          segments,
        }));
      },

      async *read(unit, { from, beforeRequest, signal }) {
        const { table } = unit;
        const keyNames = keyAttributes(table).map(({ name }) => name);
        const toRecord = (item: Item): SourceRecord => scanRecord(item, keyNames);
        let position = from;
        do {
          // The limit may be set, changed and taken away while the table is read.
          const capacity = capacityOf(table);
          const request = { ...scanRequest(config, unit, position, capacity), ...filter };
          await beforeRequest(request);
          const page = await scan(request, {
            capacity,
            signal,
            parse: (body) => scanPage(body, keyNames, toRecord),
          });
          ({ position } = page);
          yield page;
        } while (position !== undefined);
      },

      ...lookups,
      expiry: createExpiry(ctx, connected),
      inspect: createInspection(ctx, { connected, scan, lookups, descriptions: () => descriptions }),

      async ping(signal) {
        if (known !== undefined) await pinger.ping(known, signal);
      },

      close() {
        pinger.close();
        client?.destroy();
        client = undefined;
      },
    });
  },
});
export default dynamodbScan;

/** The part of every Scan that makes the service leave items out. */
function filterOf(config: Config): Partial<ScanCommandInput> {
  const text = config["full.read.filter_expression"];
  if (text === "") return {};
  const { expression, names } = nameAttributes(text);
  const values = config["full.read.filter_attributevalues"];
  return {
    FilterExpression: expression,
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: toSdk(values) }),
  };
}

function scanRequest(
  config: Config,
  { table, segment, segments }: SegmentUnit,
  from: Item | undefined,
  capacity: Capacity | undefined,
): ScanCommandInput {
  return {
    TableName: table.name,
    Limit: capacity?.limit ?? config["qps.full.batch_num"],
    ConsistentRead: config["full.read.consistent"],
    ...(segments > 1 && { Segment: segment, TotalSegments: segments }),
    ...(from && { ExclusiveStartKey: toSdk(from) }),
    ReturnConsumedCapacity: "TOTAL",
  };
}

function scanRecord(item: Item, keyNames: string[]): SourceRecord {
  const keys: Item = {};
  for (const name of keyNames) setField(keys, name, item[name]);
  // Every member is there from the start, so that all records have one shape.
  return { op: "put", event: "SCAN", keys, item, key: undefined, document: undefined };
}
