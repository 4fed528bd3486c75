import type {
  AttributeDefinition,
  KeySchemaElement,
  LocalSecondaryIndexDescription,
  Projection,
  TableDescription,
} from "@aws-sdk/client-dynamodb";
import type { KeySchema, KeyType, SecondaryIndex, Table } from "../../core/types.ts";
import { tableIdentity } from "../_dynamodb-values.ts";

/** A table as DescribeTable tells of it. */
export function describedTable(description: TableDescription): Table {
  const id = tableIdentity(description);
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

function projectionOf({ ProjectionType, NonKeyAttributes }: Projection): SecondaryIndex["projection"] {
  return {
    type: ProjectionType ?? "ALL",
    ...(NonKeyAttributes !== undefined && { attributes: NonKeyAttributes }),
  };
}

function keySchema(elements: KeySchemaElement[], types: AttributeDefinition[]): KeySchema {
  const attribute = (keyType: "HASH" | "RANGE"): KeySchema["sort"] => {
    const name = elements.find((element) => element.KeyType === keyType)?.AttributeName;
    if (name === undefined) return undefined;
    const type = types.find((definition) => definition.AttributeName === name)?.AttributeType;
    return { name, type: type as KeyType };
  };
  const sort = attribute("RANGE");
  return { partition: attribute("HASH")!, ...(sort && { sort }) };
}
