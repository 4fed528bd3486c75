/** Where either side's requests go, and with whose keys. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { targetAccess } from "../../../plugins/_dynamodb/access.ts";
import { startStandIn } from "../../stand-in/dynamodb.ts";
import { startTarget } from "../../stand-in/dynamodb-target.ts";
import { testConfig } from "../../fakes/context.ts";
import { cliCommand } from "../../cli.ts";

setDefaultTimeout(180_000);

const configOf = (settings: Record<string, string>) =>
  testConfig({ "target.type": "aliyun_dynamo_proxy", ...settings });

test.each<[Record<string, string>, endpoint: string, region: string]>([
  [{ "target.address": "host:8000" }, "http://host:8000", "us-east-1"],
  [{ "target.address": "https://host" }, "https://host", "us-east-1"],
  [{ "target.address": "http://host", "source.region": "eu-west-1" }, "http://host", "eu-west-1"],
  [
    { "target.address": "https://dynamodb.us-east-2.amazonaws.com", "source.region": "eu-west-1" },
    "https://dynamodb.us-east-2.amazonaws.com",
    "us-east-2",
  ],
  [
    { "target.address": "https://vpce-1-a.dynamodb.ap-southeast-3.vpce.amazonaws.com" },
    "https://vpce-1-a.dynamodb.ap-southeast-3.vpce.amazonaws.com",
    "ap-southeast-3",
  ],
  [
    { "target.address": "https://dynamodb.cn-north-1.amazonaws.com.cn" },
    "https://dynamodb.cn-north-1.amazonaws.com.cn",
    "cn-north-1",
  ],
  [
    { "target.address": "https://dynamodb.us-gov-west-1.api.aws", "target.region": "us-east-1" },
    "https://dynamodb.us-gov-west-1.api.aws",
    "us-east-1",
  ],
])("%p", (settings, endpoint, region) => {
  expect(targetAccess(configOf(settings))).toMatchObject({ endpoint, region });
});

const TARGET = { "target.access_key_id": "targets", "target.secret_access_key": "x" };
const SOURCE = { "source.access_key_id": "sources", "source.secret_access_key": "x" };
const CHAIN = { AWS_ACCESS_KEY_ID: "chains", AWS_SECRET_ACCESS_KEY: "x" };

test.each<[string, Record<string, string>, Record<string, string>]>([
  ["targets", { ...TARGET, ...SOURCE }, CHAIN],
  ["sources", SOURCE, CHAIN],
  ["profiles", { "source.profile": "other" }, {}],
  ["chains", {}, CHAIN],
  ["placeholder", {}, {}],
])("%s", async (expected, settings, env) => {
  await using source = await startStandIn({ tables: { tab: { items: [{ pk: { S: "a" } }] } } });
  await using target = await startTarget();
  const folder = mkdtempSync(join(tmpdir(), "nimo-access-"));
  try {
    const profiles = join(folder, "credentials");
    writeFileSync(profiles, "[other]\naws_access_key_id = profiles\naws_secret_access_key = x\n");
    const all = {
      id: "access",
      sync_mode: "full",
      "source.endpoint_url": source.endpoint,
      "target.type": "aliyun_dynamo_proxy",
      "target.address": target.endpoint,
      "full_sync.http_port": "-1",
      "checkpoint.address": "../checkpoint",
      ...settings,
    };
    const conf = join(folder, "a.conf");
    writeFileSync(
      conf,
      Object.entries(all)
        .map(([key, value]) => `${key} = ${value}\n`)
        .join(""),
    );
    const child = Bun.spawn([...cliCommand(folder), `-conf=${conf}`], {
      cwd: folder,
      env: {
        PATH: process.env.PATH ?? "",
        HOME: folder,
        AWS_EC2_METADATA_DISABLED: "true",
        AWS_SHARED_CREDENTIALS_FILE: profiles,
        ...env,
      },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const [stderr, code] = await Promise.all([child.stderr.text(), child.exited]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(new Set(target.calls.map(({ accessKey }) => accessKey))).toEqual(new Set([expected]));
    expect(target.count("BatchWriteItem")).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
