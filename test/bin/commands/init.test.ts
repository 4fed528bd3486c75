/** The command `init` with somebody who answers, and sides that are made up. */
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init, type InitParts } from "../../../bin/commands/init.ts";
import { loadConfig } from "../../../core/config/load.ts";
import { type Answer, type FakeAsker, fakeAsker, INTERRUPT } from "../../fakes/asker.ts";

let folder: string;
let path: string;
let out: string;
let write: ReturnType<typeof spyOn>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-shake-init-"));
  path = join(folder, "a b.conf");
  out = "";
  write = spyOn(process.stdout, "write").mockImplementation((text) => Boolean((out += String(text))));
});
afterEach(() => {
  write.mockRestore();
  rmSync(folder, { recursive: true });
});

function parts(script: Answer[] = [], terminal = true): InitParts & { asker: FakeAsker } {
  const asker = fakeAsker(script);
  return {
    asker,
    ask: async () => asker,
    isTerminal: () => terminal,
    probeSource: async () => [],
    probeTarget: async () => "there",
  };
}

const SET = ["source.region=eu-west-1", "source.profile=p", "filter.collection.white=a", "sync_mode=full"];
const TARGET: Answer[] = [
  ["Where to", "file"],
  ["name", "shop"],
  ["folder", "./a # b"],
];

test("answers become a file that gives them, and the next command is named", async () => {
  const asked = parts(TARGET);
  expect(await init(path, { set: SET }, asked)).toBe(0);
  const { config } = loadConfig({ file: path });
  expect(config).toMatchObject({
    id: "shop",
    "target.address": "./a # b",
    "source.profile": "p",
    sync_mode: "full",
  });
  expect(asked.asker.told.at(-1)).toEndWith(`nimo-shake check -c '${path}'`);
});

test.each<[string, Answer[]]>([
  ["at the first question", [["Where to", INTERRUPT]]],
  ["at the last one", [...TARGET.slice(0, 2), ["folder", INTERRUPT]]],
])("Ctrl-C %s: 130, and nothing is written", async (_, script) => {
  expect(await init(path, { set: SET }, parts(script))).toBe(130);
  expect(existsSync(path)).toBe(false);
  expect(out).toBe("stopped, nothing is written\n");
});

test("a file that is there: kept unless the user says yes", async () => {
  writeFileSync(path, "mine");
  expect(await init(path, { set: SET }, parts([["write over it", false]]))).toBe(0);
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect(await init(path, { set: SET }, parts([["write over it", true], ...TARGET]))).toBe(0);
  expect(loadConfig({ file: path }).config.id).toBe("shop");
});

test("--yes refuses it without --force", async () => {
  writeFileSync(path, "mine");
  const set = ["target.address=mongodb://h:1"];
  await expect(init(path, { yes: true, set }, parts())).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    exit: 2,
  });
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect(await init(path, { yes: true, force: true, set }, parts())).toBe(0);
  expect(loadConfig({ file: path }).config["target.address"]).toBe("mongodb://h:1");
});

test.each<[string, Record<string, unknown>, string, boolean?]>([
  ["no terminal and no --yes", {}, "USAGE", false],
  ["two files", { conf: "b" }, "USAGE"],
  ["--yes with nothing given", { yes: true }, "CONFIG_INVALID"],
  ["an unknown key", { yes: true, set: ["ids=a"] }, "CONFIG_INVALID"],
  ["a value that can't be, with questions", { set: "sync_mode=some" }, "CONFIG_INVALID"],
  ["an unknown key, with questions", { set: "ids=a" }, "CONFIG_INVALID"],
  ["--iam of a file that isn't there", { iam: true }, "CONFIG_MISSING"],
])("refused: %s", async (_, options, code, terminal = true) => {
  await expect(init(path, options, parts([], terminal))).rejects.toMatchObject({ code, exit: 2 });
  expect(existsSync(path)).toBe(false);
});

test("--iam prints what a file needs, wherever it is named", async () => {
  writeFileSync(path, "target.address = mongodb://h:1\nsource.region = eu-west-1\nid = shop\n");
  expect(await init(path, { iam: true }, parts([], false))).toBe(0);
  const first = out;
  out = "";
  expect(await init(undefined, { iam: true, conf: path }, parts([], false))).toBe(0);
  expect(out).toBe(first);
  expect(out).toContain("arn:aws:dynamodb:eu-west-1:*:table/*");
  expect(out).toContain('role: "nimo-shake-shop"');
});

test.each(["text", "json"])(
  "--iam, %s: a password that is one of its words leaves it as it is",
  async (format) => {
    const printed = async (password: string): Promise<string> => {
      writeFileSync(
        path,
        `target.address = mongodb://user:${password}@h:1\nid = shop\nlog.format = ${format}\n`,
      );
      out = "";
      expect(await init(path, { iam: true }, parts([], false))).toBe(0);
      return out.replace(/"time":"[^"]*"/, "");
    };
    const text = await printed("password");
    expect(text).toContain("pwd: passwordPrompt()");
    expect(text).toBe(await printed("S3CR3T-and-more"));
    expect(text).not.toContain("S3CR3T");
  },
);
