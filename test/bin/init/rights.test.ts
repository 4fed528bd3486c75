/** The rights that a configuration needs; that they are enough, and not too many, is shown by e2e/rights.test.ts. */
import { describe, expect, test } from "bun:test";
import { sourcePolicies, sourcePolicy, targetPolicy } from "../../../bin/init/iam-policy.ts";
import { mongoRoles, mongoshText } from "../../../bin/init/mongodb-role.ts";
import { rightsText } from "../../../bin/init/rights-text.ts";
import { testConfig } from "../../fakes/context.ts";

const resources = (settings: Record<string, string>): unknown[] =>
  sourcePolicy(testConfig(settings)).Statement.map(({ Resource }) => Resource);

const actions = (settings: Record<string, string>): string[] =>
  sourcePolicy(testConfig(settings)).Statement.flatMap(({ Action }) => Action);

describe("the source's policy", () => {
  test.each([
    ["us-east-2", "arn:aws:dynamodb:us-east-2:*:table/*"],
    ["cn-north-1", "arn:aws-cn:dynamodb:cn-north-1:*:table/*"],
    ["us-gov-west-1", "arn:aws-us-gov:dynamodb:us-gov-west-1:*:table/*"],
    ["us-isob-east-1", "arn:aws-iso-b:dynamodb:us-isob-east-1:*:table/*"],
    ["", "arn:*:dynamodb:*:*:table/*"],
  ])("in the region %j", (region, arn) => {
    expect(resources({ "source.region": region })).toEqual([arn, "*"]);
  });

  test("takes the region from an address of AWS", () => {
    const url = "https://dynamodb.cn-northwest-1.amazonaws.com.cn";
    expect(resources({ "source.endpoint_url": url })[0]).toBe("arn:aws-cn:dynamodb:cn-northwest-1:*:table/*");
  });

  test("names the tables of the white list and their streams, and lists tables only for patterns", () => {
    const named = { "source.region": "eu-west-1", "filter.collection.white": "a;b", sync_mode: "all" };
    const arn = "arn:aws:dynamodb:eu-west-1:*:table";
    expect(resources(named)).toEqual([
      [`${arn}/a`, `${arn}/b`],
      [`${arn}/a/stream/*`, `${arn}/b/stream/*`],
    ]);
    expect(actions(named)).not.toContain("dynamodb:ListTables");
    expect(actions({ ...named, "filter.collection.white": "a*" })).toContain("dynamodb:ListTables");
    // With both lists neither counts.
    expect(resources({ ...named, "filter.collection.black": "b" })[0]).toBe(`${arn}/*`);
  });

  test("changes and follows nothing with sync_mode = full, nor with sync_schema_only", () => {
    const reads = ["DescribeTable", "DescribeTimeToLive", "Scan", "BatchGetItem", "ListTables"];
    const expected = reads.map((action) => `dynamodb:${action}`);
    expect(actions({ sync_mode: "full" })).toEqual(expected);
    expect(actions({ sync_mode: "all", sync_schema_only: "true" })).toEqual(expected);
    expect(actions({ sync_mode: "incr" })).toContain("dynamodb:UpdateTable");
  });

  test("of a role goes to the role, in its account, and who assumes it may do that", () => {
    const role = "arn:aws-cn:iam::123456789012:role/reader";
    const [own, assuming] = sourcePolicies(
      testConfig({ "source.role_arn": role, "source.region": "cn-north-1" }),
    );
    expect(own!.policy.Statement[0]!.Resource).toBe("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/*");
    expect(assuming!.policy.Statement).toEqual([
      { Sid: "AssumeTheRole", Effect: "Allow", Action: ["sts:AssumeRole"], Resource: role },
    ]);
  });

  test("isn't needed where the source is no AWS", () => {
    const config = testConfig({ "source.endpoint_url": "http://127.0.0.1:8000" });
    expect(sourcePolicies(config)).toEqual([]);
    expect(rightsText(config)).toStartWith("# The source is not at AWS");
  });
});

describe("the target's policy", () => {
  const target = (settings: Record<string, string>) =>
    targetPolicy(
      testConfig({
        "target.type": "aliyun_dynamo_proxy",
        "target.address": "https://dynamodb.us-east-2.amazonaws.com",
        ...settings,
      }),
    )?.policy.Statement[0];

  test("deletes tables only to make room, and changes them only for their indexes", () => {
    expect(target({})!.Action).not.toContain("dynamodb:DeleteTable");
    expect(target({ "target.db.exist": "drop" })!.Action).toContain("dynamodb:DeleteTable");
    expect(target({})!.Action).toContain("dynamodb:UpdateTable");
    expect(target({ "full.enable_index.user": "false" })!.Action).not.toContain("dynamodb:UpdateTable");
    expect(target({ "filter.collection.white": "abc" })!.Resource).toBe(
      "arn:aws:dynamodb:us-east-2:*:table/abc",
    );
  });

  test("has reasons of its own, not the source's", () => {
    const text = rightsText(
      testConfig({
        sync_mode: "all",
        "source.region": "us-east-2",
        "target.type": "aliyun_dynamo_proxy",
        "target.address": "https://dynamodb.eu-west-1.amazonaws.com",
      }),
    );
    const [source, own] = text.split("# A policy of IAM for the target");
    expect(source).toContain("#   UpdateTable: enables a table's stream");
    expect(own).toContain("#   UpdateTable: adds global secondary indexes to a table");
    expect(own).not.toContain("stream");
  });

  test("isn't needed at another server, nor with another type", () => {
    expect(target({ "target.address": "proxy:8000" })).toBeUndefined();
    expect(targetPolicy(testConfig())).toBeUndefined();
  });
});

describe("the role at MongoDB", () => {
  const roles = (settings: Record<string, string> = {}) =>
    mongoRoles(testConfig({ id: "shop", ...settings }));
  const granted = (settings: Record<string, string>): string[] => roles(settings)[0]!.privileges[0]!.actions;

  test("is for the databases of this id alone", () => {
    expect(roles()[0]!.privileges.map(({ resource }) => resource)).toEqual([
      { db: "shop", collection: "" },
      { db: "shop-checkpoint-state", collection: "" },
      { db: "shop-checkpoint", collection: "" },
    ]);
    expect(roles({ "checkpoint.db": "kept" })[0]!.privileges[2]!.resource.db).toBe("kept");
  });

  test.each<[Record<string, string>, string, boolean]>([
    [{}, "dropCollection", false],
    [{}, "renameCollectionSameDB", false],
    [{ "target.db.exist": "drop" }, "dropCollection", true],
    [{ "target.db.exist": "rename" }, "renameCollectionSameDB", true],
    [{ "target.db.exist": "rename" }, "dropCollection", false],
    [{ "target.mongodb.type": "sharding" }, "enableSharding", true],
    [{}, "enableSharding", false],
  ])("%j: %s is granted: %p", (settings, action, is) => {
    expect(granted(settings).includes(action)).toBe(is);
  });

  test("is one a server", () => {
    const elsewhere = roles({ "checkpoint.address": "mongodb://other:1" });
    expect(elsewhere.map(({ at, privileges }) => [at, privileges.length])).toEqual([
      ["target.address", 1],
      ["checkpoint.address", 2],
    ]);
    expect(roles({ "checkpoint.type": "file" })[0]!.privileges).toHaveLength(1);
    expect(roles({ "target.type": "file", "target.address": "d" })).toEqual([]);
  });

  test("is made by what mongosh is given", () => {
    const [role] = roles();
    const calls: unknown[] = [];
    const db = {
      createRole: (made: object) => calls.push(made),
      createUser: (user: object) => calls.push(user),
    };
    const text = mongoshText(role!);
    expect(text).toStartWith("use admin\n");
    // eslint-disable-next-line no-new-func -- the text is a program.
    new Function("db", "passwordPrompt", text.replace("use admin", ""))(db, () => "asked");
    expect(calls).toEqual([
      { role: "nimo-shake-shop", privileges: role!.privileges, roles: [] },
      { user: "nimo-shake-shop", pwd: "asked", roles: ["nimo-shake-shop"] },
    ]);
  });
});

test("what is printed has no secret, and policies that are JSON", () => {
  const text = rightsText(
    testConfig({
      "target.address": "mongodb://u:geheim99@h",
      "source.access_key_id": "AKIAX",
      "source.secret_access_key": "geheim98",
    }),
  );
  expect(text).not.toMatch(/geheim|AKIAX/);
  const [json] = /^\{$[^]*?^\}$/m.exec(text)!;
  expect(JSON.parse(json)).toMatchObject({ Version: "2012-10-17" });
});
