/** Where a run reads, writes and keeps its positions, as its first line says it. */
import { afterEach, expect, test } from "bun:test";
import { describePlaces } from "../../../core/config/places.ts";
import { testConfig } from "../../fakes/context.ts";

const before = {
  AWS_REGION: process.env["AWS_REGION"],
  AWS_DEFAULT_REGION: process.env["AWS_DEFAULT_REGION"],
};
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test("neither users, passwords, keys nor options are in it", () => {
  const config = testConfig({
    id: "shop",
    "source.access_key_id": `ASIA${"Y34FZKBOKMUTVV7A"}`,
    "source.secret_access_key": "secret",
    "source.region": "us-east-2",
    "target.address": "mongodb://me:secret@db1:1,db2:2/?replicaSet=secret",
    "checkpoint.address": "mongodb+srv://me:secret@c.example.com",
  });
  expect(describePlaces(config)).toEqual({
    source: "AWS, account 609629065308, us-east-2",
    target: "db1:1,db2:2, database shop",
    checkpoint: "c.example.com, database shop-checkpoint-state",
  });
});

test("what the environment says of AWS counts where the configuration doesn't, and not for other servers", () => {
  process.env["AWS_REGION"] = "eu-west-1";
  const source = (settings: Record<string, string>): string => describePlaces(testConfig(settings)).source;
  expect(source({ "source.profile": "prod" })).toBe("AWS, profile prod, eu-west-1");
  expect(source({ "source.endpoint_url": "http://me:secret@h:8000" })).toBe("http://***@h:8000");
});

test("folders are as they will be found", () => {
  const config = testConfig({ "target.type": "file", "target.address": "out", "checkpoint.address": "cp" });
  const folder = process.cwd();
  expect(describePlaces(config)).toMatchObject({
    target: `folder ${folder}/out`,
    checkpoint: `folder ${folder}/cp-state`,
  });
});
