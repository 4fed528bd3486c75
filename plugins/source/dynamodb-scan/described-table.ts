/** A table's description by the service, as a `Table`. */
import type {
  AttributeDefinition,
  KeySchemaElement,
  LocalSecondaryIndexDescription,
  Projection,
  TableDescription,
} from "@aws-sdk/client-dynamodb";
import { MigrationError } from "../../../core/errors.ts";
import type { IndexKeySchema, KeyAttribute, KeyType, SecondaryIndex, Table } from "../../../core/types.ts";
import { tableIdentity } from "../../_dynamodb/sdk-values.ts";

/** What can be done about tables that can't be read. */
const UNUSABLE: Record<string, string> = {
  CREATING: "wait until it is made",
  DELETING: "it is being deleted",
  ARCHIVING: "make its KMS key usable and restore it from its backup",
  ARCHIVED: "make its KMS key usable and restore it from its backup",
  INACCESSIBLE_ENCRYPTION_CREDENTIALS: "make its KMS key usable",
};

/**
 * Refuses tables that nobody can read. One that is being changed is read like any other.
 *
 * @throws MigrationError TABLE_UNFIT naming all of them
 */
export function checkUsable(tables: TableDescription[]): void {
  const unusable = tables.filter((table) => !isUsable(table));
  const [first] = unusable;
  if (first === undefined) return;
  const named = unusable.map(({ TableName, TableStatus }) => `table ${TableName} is ${TableStatus}`);
  throw new MigrationError("TABLE_UNFIT", `can't be read: ${named.join(", ")}`, {
    hint: `${UNUSABLE[first.TableStatus!]}, or leave it out with filter.collection.black`,
  });
}

/** The names of those that nobody can read. */
export const unusable = (tables: TableDescription[]): string[] =>
  tables.filter((table) => !isUsable(table)).map(({ TableName }) => TableName!);

/** Whether a table can be read. */
export const isUsable = ({ TableStatus: status }: TableDescription): boolean =>
  status === undefined || UNUSABLE[status] === undefined;

/** Whether a table is about to be gone. */
export const isGoing = ({ TableStatus: status }: TableDescription): boolean => status === "DELETING";

/** A table as DescribeTable tells of it. */
export function describedTable(description: TableDescription): Table {
  const id = tableIdentity(description);
  const stream = streamOf(description);
  const types = description.AttributeDefinitions ?? [];
  const secondary = (
    kind: SecondaryIndex["kind"],
    indexes: Pick<LocalSecondaryIndexDescription, "IndexName" | "KeySchema" | "Projection">[] = [],
  ): SecondaryIndex[] =>
    indexes.map((index) => ({
      name: index.IndexName!,
      kind,
      ...keySchema(index.KeySchema ?? [], types),
      ...(index.Projection && { projection: projectionOf(index.Projection) }),
    }));

  return {
    name: description.TableName!,
    ...(id !== undefined && { id }),
    ...(stream !== undefined && { stream }),
    targetName: description.TableName!,
    keys: keySchema(description.KeySchema ?? [], types),
    secondary: [
      ...secondary("GSI", description.GlobalSecondaryIndexes),
      ...secondary("LSI", description.LocalSecondaryIndexes),
    ],
    itemCount: Number(description.ItemCount ?? 0),
    sizeBytes: Number(description.TableSizeBytes ?? 0),
  };
}

/** Only one with both images can be followed. */
function streamOf({ StreamSpecification: stream, LatestStreamArn }: TableDescription): string | undefined {
  return stream?.StreamEnabled && stream.StreamViewType === "NEW_AND_OLD_IMAGES"
    ? LatestStreamArn
    : undefined;
}

function projectionOf({ ProjectionType, NonKeyAttributes }: Projection): SecondaryIndex["projection"] {
  return {
    type: ProjectionType ?? "ALL",
    ...(NonKeyAttributes !== undefined && { attributes: NonKeyAttributes }),
  };
}

/** A key's attributes in the order in which they are told. */
function keySchema(elements: KeySchemaElement[], types: AttributeDefinition[]): IndexKeySchema {
  const attributes = (keyType: "HASH" | "RANGE"): KeyAttribute[] =>
    elements
      .filter((element) => element.KeyType === keyType)
      .map(({ AttributeName: name }) => {
        const type = types.find((definition) => definition.AttributeName === name)?.AttributeType;
        return { name: name!, type: type as KeyType };
      });
  const [partition, ...furtherPartition] = attributes("HASH");
  const [sort, ...furtherSort] = attributes("RANGE");
  return {
    partition: partition!,
    ...(furtherPartition.length > 0 && { furtherPartition }),
    ...(sort && { sort }),
    ...(furtherSort.length > 0 && { furtherSort }),
  };
}
