import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../core/config.ts";
import { MigrationError } from "../../core/errors.ts";
import { refuseNotYet } from "../../core/not-yet.ts";

const load = (set: Record<string, string>) =>
  loadConfig({ set: { "target.address": "mongodb://127.0.0.1", ...set } });

function failure(run: () => unknown): MigrationError {
  try {
    run();
  } catch (error) {
    if (error instanceof MigrationError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("what is not built yet", () => {
  const refused = (set: Record<string, string>) => {
    const { config, given } = load(set);
    return failure(() => refuseNotYet(config, given));
  };

  test("is refused all at once, with what to set instead", () => {
    const error = refused({
      sync_mode: "full",
      "target.type": "aliyun_dynamo_proxy",
      "convert.type": "same",
    });
    expect(error.code).toBe("NOT_YET");
    expect(error.exit).toBe(2);
    expect(error.message.split("\n  ")).toEqual([
      "2 settings are not built yet",
      "target.type = aliyun_dynamo_proxy: not yet",
      "convert.type = same: not yet",
    ]);
    expect(error.hint).toContain("--set target.type=mongodb --set convert.type=change");
  });

  test.each<[Record<string, string>, string]>([
    [{ sync_mode: "full", "target.type": "aliyun_dynamo_proxy" }, "target.type = aliyun_dynamo_proxy"],
  ])("%j", (set, message) => {
    expect(refused(set).message).toBe(`${message}: not yet`);
  });

  test("is not what acts in the incremental phase only, nor what is built", () => {
    const { config, given } = load({
      sync_mode: "full",
      sync_schema_only: "true",
      on_gap: "resync",
      "incr_sync.http_port": "1",
      "increase.concurrency": "1",
      "checkpoint.type": "file",
      "full.read.filter_expression": "attribute_exists(a)",
      "full.read.concurrency": "auto",
      "full.read.capacity": "5",
      "target.mongodb.type": "sharding",
    });
    expect(refuseNotYet(config, given)).toBeUndefined();
  });

  test.each(["9330", "-1", ""])("system_profile = %j runs without a warning", (port) => {
    expect(load({ system_profile: port }).warnings).toEqual([]);
  });
});
