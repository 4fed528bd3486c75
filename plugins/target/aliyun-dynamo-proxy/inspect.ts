/** What `check` shows of a target that speaks DynamoDB's protocol: what writes can't be tried without a change. */
import type { Config } from "../../../core/config/config.ts";
import { inParallel } from "../../../core/flow/parallel.ts";
import type { TargetInspection } from "../../../core/plugin/roles.ts";
import type { Table } from "../../../core/types.ts";
import { type Action, createRightList } from "../../_dynamodb/rights.ts";
import type { Tables } from "./tables.ts";

/** DescribeTable calls at once. */
const LOOKS = 8;

/** What {@link inspectTarget} works with. */
export interface InspectionParts {
  config: Config;
  look: Tables["look"];
  endpoint: string;
}

/** Tries what changes nothing. */
export async function inspectTarget(
  { config, look, endpoint }: InspectionParts,
  tables: Table[],
  signal: AbortSignal,
): Promise<TargetInspection> {
  const rights = createRightList(signal);
  const action = (name: string, purpose: string, isNeeded = true): Action => ({
    action: `dynamodb:${name}`,
    purpose,
    isNeeded,
  });
  await inParallel(tables, LOOKS, (table) =>
    rights.try(action("DescribeTable", "see what is there"), table.name, () => look(table)),
  );
  const names = tables.map(({ targetName }) => targetName);
  const untried = [
    action("CreateTable", "make the tables"),
    ...(config["target.db.exist"] === "drop" ? [action("DeleteTable", "drop what is there")] : []),
    action("BatchWriteItem", "write the items"),
    action("Scan", "count the items"),
    action("BatchGetItem", "verify", false),
  ];
  for (const each of untried) rights.untested(each, names, "nothing is written or read there before a start");
  return { product: "DynamoDB's protocol", kind: new URL(endpoint).host, rights: rights.list() };
}
