/** A table's schema as CreateTable takes it. */
import type {
  AttributeDefinition,
  CreateTableCommandInput,
  GlobalSecondaryIndex,
  KeySchemaElement,
  LocalSecondaryIndex,
} from "@aws-sdk/client-dynamodb";
import { attributesOf, partitionOf, sortOf } from "../../../core/schema/keys.ts";
import type { IndexKeySchema, KeyAttribute, SecondaryIndex, Table } from "../../../core/types.ts";

/** For services that know no billing on demand. */
const THROUGHPUT = { ReadCapacityUnits: 1000, WriteCapacityUnits: 1000 };

/** What {@link createRequest} takes. */
export interface SchemaOptions {
  /** Whether GSIs and LSIs are made. */
  secondary: boolean;
  billing: "PAY_PER_REQUEST" | "PROVISIONED";
}

/** The request that makes a table as the source has it, under the target's names. */
export function createRequest(table: Table, { secondary, billing }: SchemaOptions): CreateTableCommandInput {
  const nameOf = namesAtTarget(table);
  const provisioned = billing === "PROVISIONED" && { ProvisionedThroughput: THROUGHPUT };
  const made = secondary ? table.secondary : [];
  const [gsi, lsi] = (["GSI", "LSI"] as const).map((kind) => made.filter((index) => index.kind === kind));
  const definition = ({ name, type }: KeyAttribute): AttributeDefinition => ({
    AttributeName: nameOf(name),
    AttributeType: type,
  });
  const definitions = [table.keys, ...made].flatMap(attributesOf).map(definition);
  const element =
    (KeyType: KeySchemaElement["KeyType"]) =>
    (attribute: KeyAttribute): KeySchemaElement => ({
      AttributeName: nameOf(attribute.name),
      KeyType,
    });
  const schema = (keys: IndexKeySchema): KeySchemaElement[] => [
    ...partitionOf(keys).map(element("HASH")),
    ...sortOf(keys).map(element("RANGE")),
  ];
  const index = (of: SecondaryIndex): GlobalSecondaryIndex & LocalSecondaryIndex => ({
    IndexName: of.name,
    KeySchema: schema(of),
    Projection: projection(of, nameOf),
  });
  return {
    TableName: table.targetName,
    AttributeDefinitions: [...new Map(definitions.map((each) => [each.AttributeName, each])).values()],
    KeySchema: schema(table.keys),
    ...(billing === "PAY_PER_REQUEST" && { BillingMode: billing }),
    ...provisioned,
    ...(gsi!.length > 0 && {
      GlobalSecondaryIndexes: gsi!.map((each) => ({ ...index(each), ...provisioned })),
    }),
    ...(lsi!.length > 0 && { LocalSecondaryIndexes: lsi!.map(index) }),
  };
}

function projection(
  { projection: from }: SecondaryIndex,
  nameOf: (name: string) => string,
): NonNullable<GlobalSecondaryIndex["Projection"]> {
  if (from?.type !== "INCLUDE") return { ProjectionType: from?.type ?? "ALL" };
  return { ProjectionType: "INCLUDE", NonKeyAttributes: (from.attributes ?? []).map(nameOf) };
}

/** An attribute has one name, though it may be told of at one of its keys only. */
function namesAtTarget(table: Table): (name: string) => string {
  const names = new Map<string, string>();
  for (const { name, targetName } of [table.keys, ...table.secondary].flatMap(attributesOf)) {
    if (targetName !== undefined) names.set(name, targetName);
  }
  return (name) => names.get(name) ?? name;
}
