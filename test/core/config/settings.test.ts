/** Each setting's values and default. */
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../../core/config/load.ts";
import type { Config, SettingKey } from "../../../core/config/config.ts";
import { DEFAULTS, SETTINGS } from "../../../core/config/settings.ts";
import { ADDRESS, failure, load, problems } from "../../fakes/config.ts";

describe("a value", () => {
  test.each<[SettingKey, string, unknown]>([
    ["conf.version", "9", 9],
    ["log.level", "warning", "warn"],
    ["log.level", "WARN", "warn"],
    ["log.level", "None", "none"],
    ["log.buffer", "0", false],
    ["log.buffer", "T", true],
    ["full_sync.http_port", "-1", -1],
    ["full_sync.http_port", "0", 0],
    ["source.endpoint_url", "https://example.com:1010/x", "https://example.com:1010/x"],
    ["source.session.timeout", "0", 0],
    ["filter.collection.white", "a; b;;c ;", ["a", "b", "c"]],
    ["filter.collection.white", " ; ", []],
    ["qps.full", "1", 1],
    ["qps.full", "0010", 10],
    ["qps.full.batch_num", "0", 128],
    ["qps.incr.batch_num", "-5", 128],
    ["qps.full.batch_num", "7", 7],
    ["full.concurrency", "4096", 4096],
    ["full.read.concurrency", "0", 1],
    ["full.read.concurrency", "8192", 8192],
    ["full.read.concurrency", "auto", "auto"],
    ["full.read.consistent", "true", true],
    ["full.read.capacity", "500", 500],
    ["full.document.write.batch", "0", 128],
    ["full.document.write.batch", "1024", 1024],
    ["full.document.concurrency", "auto", "auto"],
    ["full.document.concurrency", "4", 4],
    ["full.enable_index.primary", "false", true],
    ["memory.limit", "64mb", 64 * 2 ** 20],
    ["memory.limit", "1 GB", 2 ** 30],
    ["memory.limit", "268435456", 256 * 2 ** 20],
    ["target.address", "mongodb+srv://h", "mongodb+srv://h"],
    ["plugins", "./a.ts;./b.ts", ["./a.ts", "./b.ts"]],
    ["id", "a".repeat(46), "a".repeat(46)],
    ["full.read.filter_attributevalues", "a```N```1~~~b```S```x ", { ":a": { N: "1" }, ":b": { S: "x" } }],
  ])("%s = %j is %j", (key, text, value) => {
    expect(load({ sync_mode: "full", [key]: text }).config[key] as unknown).toEqual(value);
  });

  test.each<[SettingKey, string[], string]>([
    ["conf.version", ["0", "x", "-1"], "from 1"],
    ["id", ["a/b", "a.b", "a b", "a$", 'a"', "a\0", "é".repeat(32), "admin"], "database"],
    ["log.level", ["loud"], "none, error, warn, info, debug"],
    ["log.buffer", ["yes", "on", "TrUe", "2"], "true or false"],
    ["full_sync.http_port", ["-2", "65536"], "0 takes any free port"],
    ["sync_mode", ["ALL", "both"], "all, full, incr"],
    ["incr_sync_parallel", ["true"], "sync_mode = all"],
    ["source.endpoint_url", ["localhost:8000", "ftp://h", "http://"], "http:// or https://"],
    ["source.region", ["us east"], "us-east-2"],
    ["qps.full", ["0", "-1", "0x10", "1k", "1.5", "1e3", "+1", "99999999999"], "from 1 to"],
    ["full.concurrency", ["0", "4097"], "from 1 to 4096"],
    ["full.read.concurrency", ["8193", "Auto", "foo"], "must be auto, or a whole number from 0 to 8192"],
    ["full.document.write.batch", ["1025"], "from 1 to 1024"],
    [
      "memory.limit",
      ["256", "31 MB", "0", "-1 MB", "1.5 GB", "2 TB", "1025 GB", "64 MiB"],
      "from 32 MB to 1024 GB",
    ],
    ["full.document.concurrency", ["0", "4097", "Auto"], "must be auto, or a whole number from 1 to 4096"],
    ["target.type", ["mysql", "constructor", "__proto__"], "mongodb, aliyun_dynamo_proxy, file, plugin"],
    ["target.address", ["127.0.0.1:27017", "http://h", "mongodb://"], "mongodb:// or mongodb+srv://"],
    ["target.db.exist", ["Drop", "merge"], "rename, drop, or empty"],
    ["checkpoint.address", ["./checkpoint"], "mongodb://"],
    ["checkpoint.db", ["nimo-shake", "Nimo-Shake"], "target database"],
    ["source.secret_access_key", ["x"], "both or neither"],
    ["source.session_token", ["x"], "needs source.access_key_id"],
    ["full.read.filter_attributevalues", ["a:N:1"], "entry 1"],
    ["full.read.filter_expression", ["a = :a"], ":a"],
  ])("%s refuses %j", (key, texts, allowed) => {
    for (const text of texts) {
      const message = problems({ sync_mode: "full", [key]: text });
      expect(message).toContain(allowed);
      expect(message).toContain("(config)");
      expect(message).not.toContain("\n");
    }
  });

  test.each(SETTINGS.map(({ key }) => key).filter((key) => key !== "target.address"))(
    "%s = (empty) is the default",
    (key) => {
      const { config, given } = load({ [key]: "" });
      expect(config).toEqual(load({}).config);
      expect(given).toEqual(new Set<SettingKey>(["target.address"]));
    },
  );
});

describe("a default", () => {
  test("is the guide's, and follows from other keys where it depends on them", () => {
    expect(load({}).config).toMatchObject({
      id: "nimo-shake",
      "log.level": "info",
      "log.buffer": true,
      sync_mode: "all",
      "qps.full": 1000,
      "full.concurrency": 4,
      "full.document.parser": 2,
      "full.document.concurrency": "auto",
      "full.document.write.batch": undefined,
      "full.read.concurrency": 1,
      "qps.full.batch_num": undefined,
      "qps.incr.batch_num": undefined,
      "full.read.consistent": true,
      "target.mongodb.type": "replica",
      "target.db.exist": "",
      "convert.type": "change",
      "convert._id": "",
      "increase.concurrency": 16,
      "increase.persist.dir": "./nimo-shake-spool",
      "report.file": "./nimo-shake-report.json",
      "checkpoint.type": "mongodb",
      "checkpoint.address": ADDRESS,
      "checkpoint.db": "nimo-shake-checkpoint",
    } satisfies Partial<Config>);
  });

  test.each<[Record<string, string>, Partial<Config>]>([
    [{ sync_mode: "full" }, { "full.read.consistent": false }],
    [{ "target.type": "plugin" }, { "full.document.concurrency": 4, "full.document.write.batch": 128 }],
    [{ id: "x" }, { "checkpoint.db": "x-checkpoint", "increase.persist.dir": "./x-spool" }],
    [
      { "target.type": "aliyun_dynamo_proxy", "target.address": "host:8000" },
      { "full.document.write.batch": 25, "checkpoint.type": "file", "convert.type": "same" },
    ],
    [
      { "target.type": "plugin", "target.address": "" },
      { "full.document.write.batch": 128, "checkpoint.type": "file", "checkpoint.address": "" },
    ],
    [
      { "target.type": "file", "target.address": "out", sync_mode: "full" },
      { "checkpoint.type": "file", "checkpoint.address": "" },
    ],
  ])("with %j", (set, expected) => {
    expect(load(set).config).toMatchObject(expected);
  });

  test("target.address has none", () => {
    expect(failure(() => loadConfig()).message).toBe(
      "target.address (not given): is required, such as mongodb://127.0.0.1:27017",
    );
  });

  test("every word that a key takes is named by its description, but for its default, yes and no", () => {
    const unnamed = SETTINGS.flatMap(({ key, words, description, default: fallback }) =>
      words
        .filter((word) => ![fallback, "true", "false"].includes(word) && !description.includes(word))
        .map((word) => `${key}: ${word}`),
    );
    expect(unnamed).toEqual([]);
  });

  test("every key has a description, a variable of its own and a sound default", () => {
    expect(SETTINGS.filter(({ description }) => description === "" || description.includes("\n"))).toEqual(
      [],
    );
    expect(new Set(SETTINGS.map(({ env }) => env)).size).toBe(SETTINGS.length);
    expect(load({ ...DEFAULTS, "target.address": ADDRESS }).config).toEqual(load({}).config);
    expect(SETTINGS.map(({ key }) => key).toSorted()).toEqual(
      Object.keys(load({}).config).toSorted() as SettingKey[],
    );
  });
});
