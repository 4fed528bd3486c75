/** Settings that don't go together, or have no effect together. */
import { describe, expect, test } from "bun:test";
import { ADDRESS, load, problems } from "../../fakes/config.ts";

const PROXY = { "target.type": "aliyun_dynamo_proxy", "target.address": "http://127.0.0.1:8000" };

describe("combinations", () => {
  test("a variable without a value is no name with a colon in it", () => {
    for (const expression of ["a = :a", "a IN (:a,:b)", "a BETWEEN :a AND :b", "size(a)>:a"]) {
      expect(problems({ "full.read.filter_expression": expression })).not.toContain("plugin.filter.where");
    }
  });

  test("white and black list together migrate all tables, with a warning", () => {
    const { config, warnings } = load({ "filter.collection.white": "a", "filter.collection.black": "b" });
    expect(config).toMatchObject({ "filter.collection.white": [], "filter.collection.black": [] });
    expect(warnings).toEqual([expect.stringContaining("all tables are migrated")]);
  });

  test.each<[Record<string, string>, string]>([
    [{ ...PROXY, "full.document.write.batch": "26" }, "from 1 to 25"],
    [{ ...PROXY, "target.db.exist": "rename" }, "can't be renamed"],
    [{ ...PROXY, "increase.executor.upsert": "false" }, "must be true"],
    [{ ...PROXY, "target.address": ADDRESS }, "http:// or https:// address, or host:port"],
    [{ ...PROXY, "target.address": "" }, "is required"],
    [{ ...PROXY, "target.access_key_id": "a" }, "target.access_key_id and target.secret_access_key"],
    [{ ...PROXY, "target.session_token": "a" }, "needs target.access_key_id"],
    [{ ...PROXY, "checkpoint.type": "mongodb" }, "checkpoint.address"],
    [{ "convert.type": "same" }, "same is for target.type = aliyun_dynamo_proxy, not for mongodb"],
    [{ "target.type": "file", "checkpoint.type": "mongodb" }, "checkpoint.address"],
    [{ "source.access_key_id": "a" }, "source.secret_access_key (not given)"],
    [{ id: "a-state", "checkpoint.db": "a" }, "own state"],
    [{ id: "a".repeat(60) }, "57 bytes"],
    [
      {
        "full.read.filter_expression": "a = :a",
        "full.read.filter_attributevalues": "a```S```x~~~b```S```y",
      },
      ":b",
    ],
    [{ "full.read.filter_expression": "meta:kind = :kind" }, "plugin.filter.where"],
  ])("%j is refused", (set, message) => {
    expect(problems(set)).toContain(message);
  });

  test.each<[Record<string, string>]>([
    [
      {
        sync_mode: "full",
        "target.type": "file",
        "target.address": "out",
        "checkpoint.type": "mongodb",
        "checkpoint.address": ADDRESS,
      },
    ],
    [{ ...PROXY, "target.address": "proxy.internal:3717" }],
    [{ ...PROXY, "checkpoint.type": "mongodb", "checkpoint.address": ADDRESS }],
    [{ ...PROXY, "convert.type": "same", "target.region": "us-east-2" }],
    [{ "target.type": "plugin", "target.address": "anything at all", "convert.type": "same" }],
    [{ "checkpoint.type": "file", "checkpoint.address": "./anywhere" }],
    [{ incr_sync_parallel: "true", sync_mode: "all" }],
    [{ "source.access_key_id": "a", "source.secret_access_key": "b", "source.session_token": "c" }],
    [{ "source.endpoint_url": "http://h:1", sync_mode: "all" }],
    [{ "full.read.filter_expression": "attribute_exists(a)", sync_mode: "full" }],
    [
      {
        "full.read.filter_expression": "a BETWEEN :a AND :b",
        "full.read.filter_attributevalues": "a```N```1~~~b```N```2",
        sync_mode: "full",
      },
    ],
  ])("%j is fine", (set) => {
    expect(load(set).warnings).toEqual([]);
  });

  test("a convert.type has no effect where items stay as they are: a warning", () => {
    const { config, warnings } = load({ ...PROXY, "convert.type": "raw" });
    expect(config["convert.type"]).toBe("same");
    expect(warnings).toEqual([expect.stringContaining("items stay as they are")]);
  });

  test.each([
    ["all", [expect.stringContaining("plugin.filter.where")]],
    ["full", []],
  ])(
    "an expression that holds for the copy only is a warning where changes are followed, too: %s",
    (mode, said) => {
      const expression = { "full.read.filter_expression": "attribute_exists(a)" };
      expect(load({ ...expression, sync_mode: mode }).warnings).toEqual(said as string[]);
    },
  );

  test("filter values without an expression are a warning", () => {
    expect(load({ "full.read.filter_attributevalues": "a```N```1" }).warnings).toHaveLength(1);
  });

  test("a # behind a text that may hold one is kept, with a warning", () => {
    const { config, warnings } = load(
      { sync_mode: "full" },
      { text: "log.file = a.log # the log\nfull.read.filter_expression = #a = b" },
    );
    expect(config["log.file"]).toBe("a.log # the log");
    expect(warnings).toEqual([expect.stringContaining("part of the value")]);
  });
});
