/** Settings that are changed while a run goes on. */
import { describe, expect, test } from "bun:test";
import { fingerprint } from "../../../core/checkpoint/fingerprint.ts";
import { settingText } from "../../../core/config/settings.ts";
import { createContext } from "../../../core/run/context.ts";
import { CHANGEABLE } from "../../../core/run/control.ts";
import { changeSettings } from "../../../core/run/live-settings.ts";
import { failure } from "../../fakes/config.ts";
import { testConfig } from "../../fakes/context.ts";

function running() {
  const config = testConfig({ "full.read.capacity": "7" });
  const ctx = createContext({ config });
  let told = 0;
  const listening = ctx.onSet(() => void told++);
  return {
    ctx,
    listening,
    told: () => told,
    set: (texts: Record<string, string>, isBegun = true) => changeSettings(ctx, config, texts, isBegun),
  };
}

describe("settings of a run", () => {
  test("are taken as they would stand in the file, an empty one for its default, and told once", () => {
    const { ctx, set, told, listening } = running();
    set({
      "qps.full": "3",
      "full.read.concurrency": "auto",
      "full.read.capacity": "",
      "log.level": "warning",
    });
    expect(ctx.config).toMatchObject({ "qps.full": 3, "full.read.concurrency": "auto", "log.level": "warn" });
    expect(ctx.config["full.read.capacity"]).toBeUndefined();
    expect([ctx.log.level, told()]).toEqual([1, 1]);
    set({ "qps.full": "", "full.read.capacity": "12" });
    expect(ctx.config).toMatchObject({ "qps.full": 1000, "full.read.capacity": 12 });
    listening[Symbol.dispose]();
    set({ "qps.incr": "5" });
    expect(told()).toBe(2);
  });

  test("are taken all or none, and each that can't be says why", () => {
    const { ctx, set, told } = running();
    const before = { ...ctx.config };
    const { code, exit, message, hint } = failure(() =>
      set({
        "qps.full": "9",
        "qps.incr": "none",
        "target.address": "mongodb://a:pa55word@b",
        "qps.ful": "1",
      }),
    );
    expect([code, exit, told()]).toEqual(["CONFIG_INVALID", 2, 0]);
    expect(message).toContain('qps.incr = "none": must be a whole number from 1');
    expect(message).toContain("target.address can't be changed while it runs");
    expect(message).toContain('there is no key "qps.ful"');
    expect(message).not.toContain("pa55word");
    for (const key of CHANGEABLE) expect(hint).toContain(key);
    expect(ctx.config).toEqual(before);
  });

  test.each([...CHANGEABLE])("%s may be changed", (key) => {
    const { ctx, set } = running();
    const texts: Partial<Record<string, string>> = { "log.level": "debug", "memory.limit": "64 MB" };
    const text = texts[key] ?? "17";
    set({ [key]: text });
    expect(settingText(key, ctx.config[key])).toBe(text);
  });

  test("that a later start compares aren't changed before they are noted", () => {
    const { ctx, set } = running();
    const { message } = failure(() => set({ "full.read.concurrency": "3", "qps.full": "9" }, false));
    expect(message).toContain("full.read.concurrency can't be changed before the tables are known");
    expect(ctx.config).toMatchObject({ "full.read.concurrency": 1, "qps.full": 1000 });
    set({ "log.level": "debug" }, false);
  });

  test("aren't those that a later start compares, but for one that is noted with each table", () => {
    const compared = Object.keys(fingerprint(testConfig(), new Map()));
    expect(CHANGEABLE.filter((key) => compared.includes(key))).toEqual(["full.read.concurrency"]);
  });
});
