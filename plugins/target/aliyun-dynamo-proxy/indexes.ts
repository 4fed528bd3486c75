/** GSIs that an item can't be in: at the source it stays outside, here the service would refuse it. */
import type { GlobalSecondaryIndexUpdate } from "@aws-sdk/client-dynamodb";
import type { Context } from "../../../core/plugin/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import { attributesOf, partitionOf, sortOf, targetNameOf } from "../../../core/schema/keys.ts";
import { createSemaphore } from "../../../core/flow/semaphore.ts";
import type {
  AttributeValue,
  KeyAttribute,
  SecondaryIndex,
  Table,
  TargetDocument,
} from "../../../core/types.ts";
import { keyBytes, PARTITION_BYTES, SORT_BYTES } from "../../../core/schema/possible-key.ts";
import { createRequest } from "./schema.ts";
import { causeOf, type Tables } from "./tables.ts";

/** See the top of the file. */
export interface Indexes {
  /**
   * Takes the GSIs away that an item can't be in.
   *
   * @returns whether there are such ones in the table's plan: the item can be sent again
   */
  makeFit(table: Table, item: TargetDocument): Promise<boolean>;
  /** Makes the planned GSIs that a table has not: the service fills them with the items that fit. */
  complete(table: Table): Promise<void>;
}

/** Makes them. */
export function createIndexes({ log }: Context, tables: Tables): Indexes {
  /** One change at a time, and once for all who meet the same index. */
  const changing = createSemaphore(1);

  async function namesOf(table: Table): Promise<Set<string | undefined>> {
    const { GlobalSecondaryIndexes = [] } = (await tables.find(table)) ?? {};
    return new Set(GlobalSecondaryIndexes.map(({ IndexName }) => IndexName));
  }

  async function update(table: Table, change: GlobalSecondaryIndexUpdate): Promise<void> {
    const { AttributeDefinitions } = createRequest(table, { secondary: true, billing: "PAY_PER_REQUEST" });
    await tables.update(table, {
      TableName: table.targetName,
      GlobalSecondaryIndexUpdates: [change],
      ...(change.Create && { AttributeDefinitions }),
    });
  }

  async function remove(table: Table, { name }: SecondaryIndex): Promise<void> {
    try {
      await update(table, { Delete: { IndexName: name } });
    } catch (error) {
      // An earlier try has done it.
      if (causeOf(error) !== "ResourceNotFoundException" || (await namesOf(table)).has(name)) throw error;
    }
  }

  return {
    makeFit: (table, item) =>
      changing.run(async () => {
        const unfit = table.secondary.filter(
          (index) => index.kind === "GSI" && unfitIn(index, item).length > 0,
        );
        const there = unfit.length > 0 ? await namesOf(table) : new Set();
        for (const index of unfit.filter(({ name }) => there.has(name))) {
          const attributes = unfitIn(index, item).join(", ");
          log.warn(
            `an item of table ${table.name} has in ${attributes} what the index ${index.name} can't have: it is left out, or made after the data`,
          );
          await remove(table, index);
        }
        return unfit.length > 0;
      }),

    complete: (table) =>
      changing.run(async () => {
        const there = await namesOf(table);
        const request = createRequest(table, { secondary: true, billing: "PAY_PER_REQUEST" });
        for (const index of request.GlobalSecondaryIndexes ?? []) {
          if (there.has(index.IndexName)) continue;
          log.info(`making the index ${index.IndexName} of table ${table.targetName}`);
          try {
            await update(table, { Create: index });
          } catch (error) {
            // Without it the data is whole, whyever the service makes none.
            if (!(error instanceof MigrationError) || error.code === "TARGET_UNREACHABLE") throw error;
            log.warn(
              `the target doesn't make the index ${index.IndexName}: ${(error as Error).message}; it is left out`,
            );
          }
        }
      }),
  };
}

/** The key attributes that an item has in a form that an index doesn't take: of another type, empty or too long. */
function unfitIn(index: SecondaryIndex, item: TargetDocument): string[] {
  const valueOf = (attribute: KeyAttribute): AttributeValue | undefined =>
    item[targetNameOf(attribute)] as AttributeValue | undefined;
  const mistyped = attributesOf(index).filter((attribute) => {
    const value = valueOf(attribute);
    return value !== undefined && !value[attribute.type];
  });
  const bytesOf = (attributes: KeyAttribute[]): number =>
    attributes.reduce((sum, attribute) => sum + keyBytes(valueOf(attribute)), 0);
  const tooLong = [
    { attributes: partitionOf(index), most: PARTITION_BYTES },
    { attributes: sortOf(index), most: SORT_BYTES },
  ].flatMap(({ attributes, most }) => (bytesOf(attributes) > most ? attributes : []));
  return [...new Set([...mistyped, ...tooLong].map(targetNameOf))];
}
