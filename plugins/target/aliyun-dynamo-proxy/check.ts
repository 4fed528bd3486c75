/** What can't work with a DynamoDB-protocol target, found before anything is touched. */
import type { TableDescription } from "@aws-sdk/client-dynamodb";
import { MigrationError } from "../../../core/errors.ts";
import { keyAttributes, targetNameOf } from "../../../core/schema/keys.ts";
import type { Table } from "../../../core/types.ts";
import { tableIdentity } from "../../_dynamodb/sdk-values.ts";
import { refuseNames } from "../_names.ts";

/**
 * Refuses names that the protocol doesn't know, and two tables with one.
 *
 * @throws MigrationError TABLE_UNFIT
 */
export function checkTableNames(tables: Table[]): void {
  const wrong = tables.filter(({ targetName }) => !/^[\w.-]{3,255}$/.test(targetName));
  refuseNames(
    tables,
    wrong.map(
      ({ name, targetName }) =>
        `${JSON.stringify(targetName)} has not 3 to 255 of the characters a-z, A-Z, 0-9, _, . and -: table ${name}`,
    ),
  );
}

/**
 * Refuses to write a table over one of those that are read: with `target.db.exist = drop` it would be gone.
 *
 * @param found what is at the target under the table's target name
 * @param place the target in words
 * @throws MigrationError CONFIG_INVALID
 */
export function refuseSource(table: Table, found: TableDescription, tables: Table[], place: string): void {
  const identity = tableIdentity(found);
  const source = tables.find(({ id }) => id !== undefined && id === identity);
  if (source === undefined) return;
  throw new MigrationError(
    "CONFIG_INVALID",
    `the target is the source: table ${table.name} would be written over table ${source.name}, one of ${place}`,
    { hint: "correct target.address; nothing was touched" },
  );
}

/**
 * Refuses to make room where a table is protected from being deleted.
 *
 * @throws MigrationError TARGET_EXISTS
 */
export function refuseProtected(
  { targetName }: Table,
  found: TableDescription | undefined,
  place: string,
): void {
  if (found?.DeletionProtectionEnabled !== true) return;
  throw new MigrationError("TARGET_EXISTS", `${targetName} is protected from being deleted: ${place}`, {
    hint: "take the protection off, or leave the table out with filter.collection.black; nothing was touched",
  });
}

/**
 * Refuses to apply changes to a table with another key.
 *
 * @throws MigrationError TABLE_UNFIT
 */
export function refuseOtherKey(table: Table, found: TableDescription): void {
  const types = new Map(
    found.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const text = (names: [name: string | undefined, type: string | undefined][]): string =>
    names.map(([name, type]) => `${name} (${type})`).join(", ");
  const there = text(
    (found.KeySchema ?? [])
      .toSorted((a) => (a.KeyType === "HASH" ? -1 : 1))
      .map(({ AttributeName }) => [AttributeName, types.get(AttributeName)]),
  );
  const needed = text(keyAttributes(table).map((attribute) => [targetNameOf(attribute), attribute.type]));
  if (there === needed) return;
  throw new MigrationError(
    "TABLE_UNFIT",
    `the target's table ${table.targetName} has the key ${there}, and ${needed} is needed: table ${table.name}`,
    { hint: "see whether target.address is right, or leave the table out with filter.collection.black" },
  );
}
