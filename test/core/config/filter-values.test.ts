/** The values and variables of `full.read.filter_expression`. */
import { describe, expect, test } from "bun:test";
import { expressionVariables, parseAttributeValues } from "../../../core/config/filter-values.ts";

describe("filter values", () => {
  test.each<[string, unknown]>([
    ["begin```N```-1.5e3", { ":begin": { N: "-1.5e3" } }],
    [" a ``` N ``` 1 ", { ":a": { N: "1" } }],
    ["a```S``` x ~~~b```S```", { ":a": { S: " x " }, ":b": { S: "" } }],
    ["a```B```AQID", { ":a": { B: "AQID" } }],
    ["a```BOOL```true~~~b```BOOL```FALSE", { ":a": { BOOL: true }, ":b": { BOOL: false } }],
    ["a```NULL```~~~b```NULL```true", { ":a": { NULL: true }, ":b": { NULL: true } }],
    [":a```S```x", { ":a": { S: "x" } }],
  ])("%j is %j", (text, values) => {
    expect(parseAttributeValues(text).values as unknown).toEqual(values);
  });

  test.each([
    ["a:N:1", "1 parts instead of 3"],
    ["a```N```1```2", "4 parts instead of 3"],
    ["a```S```x~~~", "entry 2"],
    ["```S```x", "needs a name"],
    ["a```X```1", "unknown type"],
    ["a```toString```1", "unknown type"],
    ["a```N```one", "no N"],
    ["a```N```", "no N"],
    ["a```B```*", "no B"],
    ["a```BOOL```yes", "no BOOL"],
    ["a```NULL```false", "no NULL"],
    ["a```N```1~~~a```N```2", "second time"],
  ])("%j is refused", (text, message) => {
    expect(parseAttributeValues(text)).toEqual({ problem: expect.stringContaining(message) });
  });
});

test("the variables of an expression", () => {
  expect(expressionVariables("a BETWEEN :a AND :b_2 OR begins_with(c,:a)")).toEqual(new Set([":a", ":b_2"]));
  expect(expressionVariables("attribute_exists(a)")).toEqual(new Set());
});
