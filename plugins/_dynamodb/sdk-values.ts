/** DynamoDB JSON from and to what the SDK has. */
import type { AttributeValue as SdkValue, TableDescription } from "@aws-sdk/client-dynamodb";
import type { AttributeValue, Item } from "../../core/types.ts";

/** Scalars as the SDK takes them: it wants bytes where the service sends base64. */
export function toSdk(item: Item): Record<string, SdkValue> {
  const bytes = (value: AttributeValue): SdkValue =>
    (value.B === undefined ? value : { B: Buffer.from(value.B, "base64") }) as SdkValue;
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, bytes(value)]));
}

/**
 * Which table it is: one made anew under the same name is another. DynamoDB Local has no TableId, but tells the
 * time to the millisecond.
 */
export function tableIdentity({
  TableId,
  CreationDateTime,
}: Pick<TableDescription, "TableId" | "CreationDateTime">): string | undefined {
  return TableId ?? CreationDateTime?.toISOString();
}
