/** When a report is written, what becomes of one that can't be, and that no secret is in it. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConsola } from "consola";
import { lastWords } from "../../bin/display/last-words.ts";
import { runIdentity } from "../../core/run/identity.ts";
import { createReporter, failure, type Reporter } from "../../bin/report.ts";
import { createRedactor } from "../../core/config/redact.ts";
import { MigrationError } from "../../core/errors.ts";
import type { RunPhase } from "../../core/progress/progress.ts";
import { testConfig } from "../fakes/context.ts";
import { fakeProgress } from "../fakes/progress.ts";

let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-shake-report-"));
  file = join(folder, "report.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function reporterOf({
  path = file,
  phase = "full",
  warnings = [],
}: {
  path?: string;
  phase?: RunPhase;
  warnings?: string[];
}): Reporter {
  const config = testConfig({ "report.file": path, "target.address": "mongodb://u:hunter22@h" });
  const log = createConsola({
    level: 1,
    reporters: [{ log: ({ args }) => void warnings.push(String(args[0])) }],
  });
  const progress = { ...fakeProgress(0, [{ name: "t", state: "done" }]), phase };
  return createReporter({
    config,
    identity: runIdentity(config),
    progress,
    log,
    recent: () => [],
    redact: createRedactor({ ...config }),
  });
}

const failed = (code: MigrationError["code"]) =>
  failure(new MigrationError(code, "away: mongodb://u:hunter22@h"));

test("it is JSON without secrets, in a folder that is made, and nothing is left beside it", async () => {
  const path = join(folder, "new", "report.json");
  const { isWritten } = await reporterOf({ path }).finish(failed("TARGET_UNREACHABLE"));
  expect(isWritten).toBeTrue();
  const text = readFileSync(path, "utf8");
  expect(text).not.toContain("hunter22");
  expect(JSON.parse(text).outcome).toEqual({
    kind: "failed",
    code: "TARGET_UNREACHABLE",
    message: "away: mongodb://***@h",
    hint: null,
  });
  expect(readdirSync(join(folder, "new"))).toEqual(["report.json"]);
});

describe("what is there already", () => {
  test.each<[string, RunPhase, MigrationError["code"], boolean]>([
    ["is replaced by a run that failed", "full", "TARGET_FAILED", true],
    ["and by one that found nobody", "starting", "SOURCE_UNREACHABLE", true],
    ["stays when a start was refused", "starting", "TARGET_EXISTS", false],
    ["stays when the migration is another process's", "full", "ALREADY_RUNNING", false],
  ])("%s", async (_, phase, code, isWritten) => {
    writeFileSync(file, "before");
    const finished = await reporterOf({ phase }).finish(failed(code));
    expect(finished.isWritten).toBe(isWritten);
    expect(readFileSync(file, "utf8") === "before").toBe(!isWritten);
  });
});

test("one that can't be written is a warning, and nobody is sent to it", async () => {
  const warnings: string[] = [];
  const finished = await reporterOf({ path: folder, warnings }).finish({ kind: "done" });
  expect(warnings).toEqual([expect.stringMatching(/^the report can't be written, EISDIR: .*: \//)]);
  expect(warnings[0]).not.toContain(".tmp");
  expect(
    lastWords(finished)
      .map(({ text }) => text)
      .join("\n"),
  ).not.toContain("report:");
  expect(existsSync(file)).toBeFalse();
});

test("the last words are lines for people, none of which turns around, and objects for programs", async () => {
  const reporter = reporterOf({});
  const verdict = { isDifferent: true, path: "a\u202Eb", tables: new Map(), faults: 1, first: [] };
  reporter.verified(verdict as unknown as Parameters<typeof reporter.verified>[0]);
  const words = lastWords(await reporter.finish({ kind: "done" }));
  const [title, look] = words;
  expect(title).toEqual({ text: "left to do:", objects: [] });
  expect(look?.text).toStartWith("  - source and target differ, see a\\u202eb;");
  expect(look?.objects).toEqual([
    { message: "left to do", kind: "look", text: expect.stringContaining("source and target differ") },
  ]);
  expect(words.at(-1)?.objects).toEqual([{ message: "report", file: expect.any(String) }]);
});
