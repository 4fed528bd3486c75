/** The example configurations: each can be loaded as it stands, says what it is, and is found from the pages. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../core/config/load.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = "examples/configurations";
const NAMES = [...new Bun.Glob("*.conf").scanSync(join(ROOT, FOLDER))].toSorted();
const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** What each is an example of. */
const TARGETS: Readonly<Record<string, [type: string, mode: string]>> = {
  "alternator.conf": ["aliyun_dynamo_proxy", "all"],
  "apsaradb.conf": ["mongodb", "all"],
  "atlas.conf": ["mongodb", "all"],
  "dynamodb-to-dynamodb.conf": ["aliyun_dynamo_proxy", "all"],
  "extenddb.conf": ["aliyun_dynamo_proxy", "all"],
  "files-for-mongorestore.conf": ["file", "full"],
  "self-run.conf": ["mongodb", "all"],
};

test("there is one for each kind of target", () => {
  expect(NAMES).toEqual(Object.keys(TARGETS));
});

describe.each(NAMES)("%s", (name) => {
  const file = join(FOLDER, name);
  const { config, warnings } = loadConfig({ file: join(ROOT, file) });

  test("is taken without a warning", () => {
    expect(warnings).toEqual([]);
    expect<string[]>([config["target.type"], config.sync_mode]).toEqual(TARGETS[name]!);
    expect(config.id).toBe("shop");
  });

  test("has no keys of an account", () => {
    for (const side of ["source", "target"] as const) {
      expect(config[`${side}.access_key_id`]).toBe("");
      expect(config[`${side}.secret_access_key`]).toBe("");
    }
  });

  test("begins with what it is for, is short, and fits into a terminal", () => {
    const lines = textOf(file).trimEnd().split("\n");
    expect(lines[0]).toStartWith("# DynamoDB to ");
    expect(lines.length).toBeLessThan(30);
    expect(lines.filter((line) => line.length > 140)).toEqual([]);
  });

  test("keeps its checkpoint in the working folder, where it isn't in MongoDB", () => {
    if (config["checkpoint.type"] === "file")
      expect(config["checkpoint.address"]).toBe(`./${config["checkpoint.db"]}`);
    else expect(config["checkpoint.address"]).toBe(config["target.address"]);
  });

  test("is linked from the page of targets", () => {
    expect(textOf("docs/targets.md")).toContain(`(../${FOLDER}/${name})`);
  });
});
