/** Which indexes follow from which keys. */
import { describe, expect, test } from "bun:test";
import { indexNames, indexPattern, planIndexes } from "../../../core/schema/indexes.ts";
import type { SecondaryIndex, Table } from "../../../core/types.ts";
import change from "../../../plugins/convert/change.ts";
import mchange from "../../../plugins/convert/mchange.ts";
import raw from "../../../plugins/convert/raw.ts";
import { keyAttribute, setUpConverter, testTable } from "../../fakes/context.ts";

/** An index from `GSI h` or `LSI h r`. */
function secondary(text: string): SecondaryIndex {
  const [kind, partition, sort] = text.split(" ") as [SecondaryIndex["kind"], string, string?];
  return { name: text, kind, partition: keyAttribute(partition), ...(sort && { sort: keyAttribute(sort) }) };
}

function table(keys: string, ...indexes: string[]): Table {
  const [partition, sort] = keys.split(" ") as [string, string?];
  return testTable(partition, sort, { secondary: indexes.map(secondary) });
}

async function planned(
  plugin: typeof change,
  table: Table,
  settings?: Record<string, string>,
): Promise<string[]> {
  const converter = await setUpConverter(plugin, settings);
  return planIndexes(table, converter, true).map(
    (index) => `${indexPattern(index)} ${index.origin}${index.unique ? " unique" : ""}`,
  );
}

const PK = ["pk_1 primary unique", "pk_hashed primary"];
const PK_SK = ["pk_1_sk_1 primary unique", "pk_hashed primary"];

test("every index has a name of its own, the driver's where it can", () => {
  const index = (...paths: string[]) => ({
    fields: paths.map((path) => ({ path, kind: "ascending" as const })),
  });
  const names = indexNames([
    index("a", "b"),
    index("a_1_b"),
    index("b"),
    index("a_1_b_1-2"),
    { fields: [{ path: "a_1_b", kind: "hashed" }] },
    { fields: [index("a").fields[0]!, { path: "b", kind: "hashed" }] },
  ]);
  expect(names).toEqual(["a_1_b_1", "a_1_b_1-2", "b_1", "a_1_b_1-2_1", "a_1_b_hashed", "a_1_b_hashed-2"]);
});

describe("planIndexes", () => {
  test.each([
    ["a partition key", table("pk"), PK],
    ["a partition and a sort key", table("pk sk"), PK_SK],
    ["a GSI", table("pk", "GSI h"), [...PK, "h_hashed user"]],
    ["a GSI with a sort key", table("pk", "GSI h r"), [...PK, "h_hashed user", "h_1_r_1 user"]],
    ["an LSI", table("pk sk", "LSI pk r"), [...PK_SK, "pk_1_r_1 user"]],
    ["a GSI of the table's partition key", table("pk", "GSI pk"), PK],
    ["a GSI of the table's whole key", table("pk sk", "GSI pk sk"), PK_SK],
    [
      "a GSI of the table's key turned round",
      table("pk sk", "GSI sk pk"),
      [...PK_SK, "sk_hashed user", "sk_1_pk_1 user"],
    ],
    ["two alike", table("pk", "GSI h r", "GSI h r"), [...PK, "h_hashed user", "h_1_r_1 user"]],
    [
      "two of one partition key",
      table("pk", "GSI h r", "GSI h s", "GSI h"),
      [...PK, "h_hashed user", "h_1_r_1 user", "h_1_s_1 user"],
    ],
    [
      "two whose names are the same and whose fields aren't",
      table("pk", "GSI line_1 line_2", "GSI line 1_line_2"),
      [...PK, "line_1_hashed user", "line_1_1_line_2_1 user", "line_hashed user", "line_1_1_line_2_1 user"],
    ],
    ["the key _id", table("_id"), ["_id_hashed primary"]],
    ["a GSI with the sort key _id", table("pk", "GSI h _id"), [...PK, "h_hashed user", "h_1__id_1 user"]],
  ] as [string, Table, string[]][])("%s", async (_what, table, expected) => {
    expect(await planned(change, table)).toEqual(expected);
    expect(await planned(mchange, table)).toEqual(expected);
  });

  test.each([
    [table("pk:N"), {}, ["pk.N_1 primary unique", "pk.N_hashed primary"]],
    [
      table("pk sk:B", "GSI h:N pk"),
      {},
      ["pk.S_1_sk.B_1 primary unique", "pk.S_hashed primary", "h.N_hashed user", "h.N_1_pk.S_1 user"],
    ],
    // only the whole _id has an index of its own, not a field in it
    [table("_id"), {}, ["_id.S_1 primary unique", "_id.S_hashed primary"]],
    [table("_id"), { "convert._id": "pre" }, ["pre_id.S_1 primary unique", "pre_id.S_hashed primary"]],
  ])("raw: %j %j", async (table, settings, expected) => {
    expect(await planned(raw, table, settings)).toEqual(expected);
  });

  test("a prefixed _id is a field like any other", async () => {
    const settings = { "convert._id": "pre" };
    expect(await planned(change, table("_id", "GSI h _id"), settings)).toEqual([
      "pre_id_1 primary unique",
      "pre_id_hashed primary",
      "h_hashed user",
      "h_1_pre_id_1 user",
    ]);
  });

  test("without full.enable_index.user only the key's", async () => {
    const plan = planIndexes(table("pk", "GSI h r"), await setUpConverter(change), false);
    expect(plan).toEqual([
      { fields: [{ path: "pk", kind: "ascending" }], unique: true, origin: "primary" },
      { fields: [{ path: "pk", kind: "hashed" }], unique: false, origin: "primary" },
    ]);
  });
});
