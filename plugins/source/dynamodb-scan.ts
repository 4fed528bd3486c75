import {
  DescribeTableCommand,
  type DynamoDBClient,
  ListTablesCommand,
  type ScanCommandInput,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { availableParallelism } from "node:os";
import type { Config } from "../../core/config.ts";
import { MigrationError } from "../../core/errors.ts";
import { nameAttributes } from "../../core/filter-expression.ts";
import { keyAttributes } from "../../core/key-of.ts";
import { inParallel } from "../../core/lanes.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { segmentCount } from "../../core/segments.ts";
import type { Item, SegmentUnit, SourceRecord, Table } from "../../core/types.ts";
import { setField } from "../../core/value.ts";
import { createLookups } from "./_absent.ts";
import { scanPage } from "./_answer.ts";
import { type Capacity, createCapacity } from "./_capacity.ts";
import { createCalls } from "../_dynamodb-calls.ts";
import { createClient } from "../_dynamodb-client.ts";
import { createScan } from "./_scan.ts";
import { checkUsable, describedTable } from "./_tables.ts";
import { toSdk } from "../_dynamodb-values.ts";

/** DescribeTable calls at once. */
const DESCRIBES = 8;

/** The source of the full phase: every table by parallel Scan. */
const dynamodbScan: Plugin = definePlugin({
  name: "source/dynamodb-scan",
  setup(ctx) {
    const { config } = ctx;
    const filter = filterOf(config);
    const capacities = new Map<string, Capacity>();
    let client: DynamoDBClient | undefined;
    const connected = (): DynamoDBClient =>
      (client ??= createClient(config, ["ScanCommand", "BatchGetItemCommand"]));
    const scan = createScan(ctx, connected);
    const calls = createCalls(ctx, "source", { first: true });

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

    /** What the table's scan may use; undefined: as much as it likes. */
    function capacityOf(table: Table): Capacity | undefined {
      const perSecond = config["full.read.capacity"];
      if (perSecond === undefined) return undefined;
      const capacity = capacities.get(table.name) ?? createCapacity(perSecond, config, table);
      capacities.set(table.name, capacity);
      return capacity;
    }

    ctx.provide("source", {
      async tables(signal) {
        const listed = await listTables(signal);
        const place = await placeOf(connected(), config);
        const names = selectTables(listed, config, place);
        if (names.length === 0) throw noTable(listed, place);
        const found = await inParallel(names, DESCRIBES, (name) => describeTable(name, signal));
        checkUsable(found);
        return found.map(describedTable);
      },

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
        const capacity = capacityOf(table);
        let position = from;
        do {
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

      ...createLookups(ctx, connected),

      close() {
        client?.destroy();
        client = undefined;
      },
    });
  },
});
export default dynamodbScan;

/** What the white and the black list leave of the source's tables. */
function selectTables(names: string[], config: Config, place: string): string[] {
  const white = config["filter.collection.white"];
  const black = config["filter.collection.black"];
  const missing = white.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new MigrationError(
      "TABLE_MISSING",
      `the source has no table ${missing.join(", ")}: filter.collection.white`,
      { hint: `${place} has ${names.length === 0 ? "no tables at all" : shortList(names)}` },
    );
  }
  return names.filter((name) => (white.length === 0 || white.includes(name)) && !black.includes(name));
}

/** Which tables there are depends on it. */
async function placeOf(client: DynamoDBClient, config: Config): Promise<string> {
  const region = await client.config.region();
  return `${config["source.endpoint_url"] || "AWS"}, region ${region},`;
}

function noTable(listed: string[], place: string): MigrationError {
  if (listed.length === 0) {
    return new MigrationError("TABLE_MISSING", `there is no table to migrate: ${place} has none`, {
      hint: "check source.region, source.endpoint_url, and whose account the credentials are of",
    });
  }
  const what = `there is no table to migrate: ${place} has ${shortList(listed)}, and filter.collection.black has all of them`;
  return new MigrationError("TABLE_MISSING", what, { hint: "take a table off filter.collection.black" });
}

function shortList(names: string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

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
    ...(capacity && { ReturnConsumedCapacity: "TOTAL" }),
  };
}

function scanRecord(item: Item, keyNames: string[]): SourceRecord {
  const keys: Item = {};
  for (const name of keyNames) setField(keys, name, item[name]);
  // Every member is there from the start, so that all records have one shape.
  return { op: "put", event: "SCAN", keys, item, key: undefined, document: undefined };
}
