/** What is at the target: counted, and the keys of all items. */
import { type DynamoDBClient, ScanCommand, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import type { Context } from "../../../core/plugin/context.ts";
import { keyAttributes, targetNameOf } from "../../../core/schema/keys.ts";
import { inParallel } from "../../../core/flow/parallel.ts";
import type { StoredPage } from "../../../core/plugin/stored.ts";
import type { Item, Position, Table } from "../../../core/types.ts";
import { parseAnswer } from "../../_dynamodb/answer.ts";
import { createCalls } from "../../_dynamodb/calls.ts";
import type { RawOutput } from "../../_dynamodb/client.ts";
import { toSdk } from "../../_dynamodb/sdk-values.ts";
import { storedPage } from "./stored-pages.ts";

/** Segments of a count, read at once. */
const SEGMENTS = 8;

interface ScanAnswer {
  Count: number;
  Items?: Item[];
  LastEvaluatedKey?: Item | null;
}

/** See the top of the file. */
export interface Scans {
  count(table: Table, signal: AbortSignal): Promise<number>;
  /** The items' keys in pages. */
  keys(table: Table, signal: AbortSignal): AsyncIterable<Item[]>;
  /** The items themselves, from a position on. */
  stored(table: Table, from: Position | undefined, signal: AbortSignal): AsyncIterable<StoredPage>;
  isEmpty(table: Table, signal: AbortSignal): Promise<boolean>;
}

/** Makes them. */
export function createScans(ctx: Context, connected: () => DynamoDBClient): Scans {
  const calls = createCalls(ctx, "target");

  /** Makes one request, and again where its answer can't be read. */
  function scan<T>(
    table: Table,
    request: Partial<ScanCommandInput>,
    from: Item | undefined,
    signal: AbortSignal,
    read: (body: Buffer) => T,
  ): Promise<T> {
    const command = new ScanCommand({
      TableName: table.targetName,
      ConsistentRead: true,
      ...request,
      ...(from && { ExclusiveStartKey: toSdk(from) }),
    });
    return calls({ call: "Scan", table: table.name }, signal, async () => {
      const answer = await connected().send(command, { abortSignal: signal });
      return read((answer as unknown as RawOutput).body);
    });
  }

  async function* pages(
    table: Table,
    request: Partial<ScanCommandInput>,
    signal: AbortSignal,
  ): AsyncIterable<ScanAnswer> {
    let from: Item | undefined;
    do {
      const page = await scan(table, request, from, signal, (body) =>
        parseAnswer<ScanAnswer>(body, "Count", Number.isInteger),
      );
      yield page;
      from = page.LastEvaluatedKey ?? undefined;
    } while (from !== undefined);
  }

  return {
    async count(table, signal) {
      const counts = await inParallel(Array(SEGMENTS).keys(), SEGMENTS, async (Segment) => {
        let count = 0;
        const request = { Select: "COUNT", Segment, TotalSegments: SEGMENTS } as const;
        for await (const { Count } of pages(table, request, signal)) count += Count;
        return count;
      });
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async *keys(table, signal) {
      const names = keyAttributes(table).map((attribute, i) => [`#k${i}`, targetNameOf(attribute)] as const);
      const request = {
        ProjectionExpression: names.map(([placeholder]) => placeholder).join(", "),
        ExpressionAttributeNames: Object.fromEntries(names),
      };
      for await (const { Items = [] } of pages(table, request, signal)) if (Items.length > 0) yield Items;
    },
    async *stored(table, from, signal) {
      let position = from;
      do {
        const page = await scan(table, {}, position, signal, storedPage);
        ({ position } = page);
        yield page;
      } while (position !== undefined);
    },
    async isEmpty(table, signal) {
      for await (const { Count } of pages(table, { Limit: 1 }, signal)) if (Count > 0) return false;
      return true;
    },
  };
}
