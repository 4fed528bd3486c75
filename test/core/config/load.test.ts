/** Where settings come from, which one counts, and all problems at once. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../core/config/load.ts";
import type { SettingKey } from "../../../core/config/config.ts";
import { DEFAULTS, SETTINGS } from "../../../core/config/settings.ts";
import { ADDRESS, failure, load } from "../../fakes/config.ts";

const ORIGINAL = join(import.meta.dir, "../../fixtures/original.conf");
const EXAMPLE = join(import.meta.dir, "../../../examples/nimo-shake.conf");

describe("precedence", () => {
  const file = {
    text: "full.concurrency = 2\nid = from-file\nqps.full = 5\ntarget.db.exist = drop",
    env: {},
  };

  test("is --set, environment, file, default", () => {
    const env = { NIMO_FULL_CONCURRENCY: "3", NIMO_ID: "from-env", NIMO_CONVERT__ID: "pre", HOME: "/" };
    const { config, given, warnings } = load({ id: "from-set" }, { ...file, env });
    expect(config).toMatchObject({
      id: "from-set",
      "full.concurrency": 3,
      "qps.full": 5,
      "qps.incr": 1000,
      "convert._id": "pre",
    });
    expect(given).toEqual(
      new Set<SettingKey>([
        "id",
        "target.address",
        "target.db.exist",
        "full.concurrency",
        "qps.full",
        "convert._id",
      ]),
    );
    expect(warnings).toEqual([]);
  });

  test("an empty value of a stronger source brings the default back", () => {
    expect(load({ "target.db.exist": "" }, file).config["target.db.exist"]).toBe("");
    expect(load({}, { ...file, env: { NIMO_TARGET_DB_EXIST: "" } }).config["target.db.exist"]).toBe("");
  });

  test("--set is taken as a list as well, the last one counting", () => {
    const set = [`target.address=${ADDRESS}/?a=b`, "id=one", "id = two"];
    expect(loadConfig({ set }).config).toMatchObject({ id: "two", "target.address": `${ADDRESS}/?a=b` });
  });

  test.each(SETTINGS.filter((each) => each.default !== "").map(({ key, env }) => [key, env]))(
    "%s can come from %s",
    (key, env) => {
      const { given, warnings } = load({}, { env: { [env]: DEFAULTS[key as SettingKey] } });
      expect(given).toEqual(new Set<string>([key, "target.address"]) as Set<SettingKey>);
      expect(warnings).toEqual([]);
    },
  );

  test("NIMO_PLUGIN_ variables are plugins' options, weaker than --set and stronger than the file", () => {
    const { pluginOptions, warnings } = load(
      { "plugin.mask.method": "hash" },
      {
        env: {
          NIMO_PLUGIN_MASK_SALT: "pepper",
          NIMO_PLUGIN_MASK_METHOD: "redact",
          NIMO_PLUGIN_OWN_API_KEY: "k",
        },
        text: "plugin.mask.salt = salt\nplugin.mask.attributes = email",
      },
    );
    expect(pluginOptions).toEqual({
      mask: { method: "hash", salt: "pepper", attributes: "email" },
      own: { api_key: "k" },
    });
    expect(warnings).toEqual([]);
  });

  test("a NIMO_ variable of no key is a warning that names the nearest, unless it is the tests'", () => {
    const { warnings } = load({}, { env: { NIMO_FULL_CONCURENCY: "SECRET", NIMO_TEST_MONGOD: "x" } });
    expect(warnings).toEqual([expect.stringContaining("NIMO_FULL_CONCURRENCY (full.concurrency)")]);
    expect(warnings.join()).not.toContain("SECRET");
  });
});

describe("problems", () => {
  test("are told all at once, each with key, value, place and what is allowed", () => {
    const error = failure(() =>
      loadConfig({
        file: "/etc/my.conf",
        text: [
          "qps.ful = 1",
          "full.concurrency = 5 # five",
          "nonsense",
          "log.level = loud",
          "id = x",
          "checkpoint.db = x",
        ].join("\n"),
        env: { NIMO_QPS_INCR: "x" },
        set: ["nope", "qps.full=0", "bad.key=1"],
      }),
    );
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.exit).toBe(2);
    const [head, ...lines] = error.message.split("\n  ");
    expect(head).toBe("10 problems in the configuration:");
    const expected = [
      "--set must look like key=value",
      "bad.key (--set): is no known key",
      'my.conf line 3: no "=" on this line',
      "qps.ful (my.conf line 1): is no known key; the nearest is qps.full",
      'log.level = "loud" (my.conf line 4): must be one of',
      'qps.full = "0" (--set): must be a whole number from 1',
      'qps.incr = "x" (environment variable NIMO_QPS_INCR): must be a whole number',
      "target.address (not given): is required",
      'full.concurrency = "5 # five" (my.conf line 2): must be a whole number from 1 to 4096; a comment behind',
      'checkpoint.db = "x" (my.conf line 6): neither it nor',
    ];
    expect(lines).toHaveLength(expected.length);
    for (const start of expected) expect(lines.filter((line) => line.startsWith(start))).toHaveLength(1);
  });

  test("never show a secret", () => {
    const secret = "S3CR3T";
    const uri = `mongo://me:${secret}@h/?proxyPassword=${secret}&authMechanismProperties=AWS_SESSION_TOKEN:${secret}`;
    const text = [
      `source.secret_access_key = ${secret}`,
      `source.session_token = ${secret}`,
      `source.secret_acces_key = ${secret}`,
      `source.endpoint_url = ftp://me:${secret}@h`,
      `target.address = ${uri}`,
      `checkpoint.address = me:${secret}@h`,
      `checkpoint.type = mongodb`,
      `${secret}${"x".repeat(50)} =`.replace(secret, "abcdefgh" + secret),
      `${secret}`,
    ].join("\n");
    const error = failure(() =>
      loadConfig({ text, set: [`source.access_key_id:${secret}`, `source.region= ${secret} x`] }),
    );
    const { message } = error;
    expect(message.replaceAll(/source\.region.*/g, "")).not.toContain(secret);
    expect(message).toContain("mongo://***@h");
    expect(message).toContain('source.session_token = "***" (line 2)');
    const twice = failure(() =>
      loadConfig({ text: `target.address = mongodb://u:${secret}@h # ${secret}@` }),
    );
    expect(twice.message).not.toContain(secret);
    const { warnings } = loadConfig({ text: `target.address = mongodb://u:${secret}@h # x` });
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).not.toContain(secret);
  });

  test("a file that can't be read is CONFIG_MISSING with a hint", () => {
    for (const file of ["/nowhere/nimo-shake.conf", tmpdir()]) {
      const error = failure(() => loadConfig({ file }));
      expect(error.code).toBe("CONFIG_MISSING");
      expect(error.message).toContain(file);
      expect(error.hint).toContain("-conf=");
    }
  });

  test.each([
    ["qps.ful", "qps.full"],
    ["full.document.write_batch", "full.document.write.batch"],
    ["SOURCE.REGION", "source.region"],
    ["foo", undefined],
    ["__proto__", undefined],
  ])("an unknown key %s is refused, naming the nearest where one is near", (key, nearest) => {
    const message = failure(() => loadConfig({ text: `target.address = ${ADDRESS}\n${key} = 1` })).message;
    const meant = nearest === undefined ? "" : `; the nearest is ${nearest}`;
    expect(message).toBe(`${key} (line 2): is no known key${meant}`);
  });

  test("the library's key is of its option", () => {
    const message = failure(() =>
      loadConfig({ set: { "target.address": ADDRESS, foo: "1", "qps.full": "x" } }),
    ).message;
    expect(message).toContain("foo (config): is no known key");
    expect(message).toContain('qps.full = "x" (config): must be');
  });

  test.each(["“shop”", "‘shop’", "shop”", "«shop»"])("typographic quotes around %s are a warning", (id) => {
    const { warnings } = loadConfig({ text: `target.address = ${ADDRESS}\nid = ${id}` });
    expect(warnings).toEqual([`id = "${id}" (line 2): the typographic quotes are part of the value`]);
  });

  test("an apostrophe within is none", () => {
    const text = `target.address = ${ADDRESS}\nsource.profile = o’neil`;
    expect(loadConfig({ text }).warnings).toEqual([]);
  });
});

describe("files", () => {
  test("NimoShake's shipped file reads as it is, once it has an address", () => {
    const { config, warnings } = loadConfig({
      file: ORIGINAL,
      set: ["sync_mode=full", "source.endpoint_url=http://127.0.0.1:8000", `target.address=${ADDRESS}`],
    });
    expect(config).toMatchObject({
      "conf.version": 3,
      sync_mode: "full",
      "target.mongodb.type": "sharding",
      "target.db.exist": "drop",
      "full.document.write.batch": 25,
      "convert.type": "change",
      "convert._id": "pre",
      "full.read.filter_expression": "create_time > :begin AND create_time < :end",
      "full.read.filter_attributevalues": {
        ":begin": { N: "1646724207280" },
        ":end": { N: "1646724207283" },
      },
    });
    expect(warnings).toEqual([]);
  });

  test("NimoShake's shipped file has no problem but the missing address", () => {
    expect(failure(() => loadConfig({ file: ORIGINAL })).message).toBe(
      "target.address (original.conf line 26): is required, such as mongodb://127.0.0.1:27017",
    );
  });

  test("the example runs as it is, changes nothing that exists, and shows every key with its default", () => {
    const { config, warnings } = loadConfig({ file: EXAMPLE });
    expect(warnings).toEqual([]);
    const local = {
      sync_mode: "full",
      "target.type": "file",
      "target.address": "./dump",
      "source.endpoint_url": "http://127.0.0.1:8000",
    };
    expect(config).toEqual(loadConfig({ set: local }).config);
    const text = readFileSync(EXAMPLE, "utf8");
    const shown = [...text.matchAll(/^#?([\w.]+) =/gm)].map((match) => match[1] ?? "");
    expect(shown.toSorted()).toEqual(SETTINGS.map(({ key }) => key).toSorted());
  });

  test("a file is read from disk with BOM and CRLF", () => {
    const folder = mkdtempSync(join(tmpdir(), "nimo-config-"));
    try {
      const file = join(folder, "my.conf");
      writeFileSync(file, `\uFEFFid = x\r\ntarget.address = "${ADDRESS}"\r\nqps.full\t=\t7\r\n`);
      expect(loadConfig({ file }).config).toMatchObject({
        id: "x",
        "target.address": ADDRESS,
        "qps.full": 7,
      });
      writeFileSync(file, "id = x\nid = y\nfull.parser = 1");
      expect(failure(() => loadConfig({ file })).message).toContain("full.parser (my.conf line 3)");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a key given twice in a file is a warning", () => {
    const { config, warnings } = load({}, { text: "qps.full = 0\nqps.full = 2" });
    expect(config["qps.full"]).toBe(2);
    expect(warnings).toEqual(["line 2: qps.full is given again (first on line 1); the last one counts"]);
  });
});

test("a key whose feature comes later is not yet there, and no misspelt one", () => {
  expect(failure(() => load({ ttl: "date", workers: "2" })).message).toMatch(
    /ttl \(.*\): not yet.*workers \(.*\): not yet/s,
  );
});
