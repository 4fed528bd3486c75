/**
 * Runs the tests, files side by side in processes of their own: `bun test/run.ts [--fast] [PATH…]`.
 *
 * All use the two servers that are started here; who would break them starts their own. What a file prints is shown
 * when something in it fails, in one piece. The last lines have the counts, in the words of `bun test`.
 */
import { readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { inParallel } from "../core/lanes.ts";
import { message } from "./servers/command.ts";
import { ownTempFolder } from "./servers/process.ts";
import { sharedServers, stopSharedServers } from "./servers/shared.ts";

const SECOND = 1000;
/** A file that takes longer hangs. */
const FILE_LIMIT = 240 * SECOND;
/** Most of a test's time is spent waiting. */
const PER_CORE = 3;
/** What `--fast` leaves out: whatever runs the tool as a whole, or waits for servers that come and go. */
const SLOW = /^test\/(e2e|servers)\//;

/** What became of a file. */
interface Result {
  file: string;
  pass: number;
  fail: number;
  skip: number;
  ms: number;
  output: string;
}

const args = process.argv.slice(2);
const fast = args.includes("--fast");
const paths = args.filter((arg) => arg !== "--fast");

const started = performance.now();
const files = findFiles();
if (files.length === 0) fail(`no test file matches ${paths.join(", ")}`);
const environment = await startServers();
const results: Result[] = [];
try {
  await inParallel(files, availableParallelism() * PER_CORE, async (file) => {
    const result = await runFile(file);
    results.push(result);
    show(result);
  });
} finally {
  await stopSharedServers();
}
summarize();

/** All test files, those that take longest first: the whole tool's, then by size. */
function findFiles(): string[] {
  const all = [...new Bun.Glob("test/**/*.test.ts").scanSync(".")].map((file) => file.replaceAll("\\", "/"));
  const wanted = all.filter(
    (file) =>
      (!fast || !SLOW.test(file)) && (paths.length === 0 || paths.some((path) => file.includes(path))),
  );
  const weight = (file: string): number => statSync(file).size * (SLOW.test(file) ? 100 : 1);
  return wanted.sort((a, b) => weight(b) - weight(a));
}

async function startServers(): Promise<NodeJS.ProcessEnv> {
  try {
    const { mongoUri, dynamoEndpoint } = await sharedServers();
    return { ...process.env, NIMO_TEST_MONGODB: mongoUri, NIMO_TEST_DYNAMODB: dynamoEndpoint };
  } catch (error) {
    return fail(error instanceof Error ? error.message : message(error));
  }
}

async function runFile(file: string): Promise<Result> {
  const begun = performance.now();
  const owned = ownTempFolder("test");
  const log = join(owned.folder, "output");
  let late = false;
  try {
    const child = await owned.start(process.execPath, ["test", file], log, environment, process.cwd());
    const timer = setTimeout(() => {
      late = true;
      void owned.kill();
    }, FILE_LIMIT);
    const code = await child.exited.finally(() => clearTimeout(timer));
    const output = readFileSync(log, "utf8");
    const count = (word: string): number =>
      Number(new RegExp(`^ *(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
    const counts = { pass: count("pass"), fail: count("fail"), skip: count("skip") };
    // a file that doesn't load, leaves something behind or is killed fails without a failing test
    if (code !== 0 && counts.fail === 0) counts.fail = 1;
    const end = late ? `\n${file}: no end after ${FILE_LIMIT / SECOND} s\n` : "";
    return { file, ...counts, ms: performance.now() - begun, output: output + end };
  } finally {
    await owned.remove();
  }
}

function show({ file, pass, fail, skip, ms, output }: Result): void {
  const seconds = `${(ms / SECOND).toFixed(1)} s`;
  if (fail === 0) console.log(`${file}: ${pass} pass${skip > 0 ? `, ${skip} skip` : ""} [${seconds}]`);
  else console.log(`\n${output.trim()}\n${file}: ${fail} FAILED, ${pass} pass [${seconds}]\n`);
}

function summarize(): void {
  const sum = (what: "pass" | "fail" | "skip"): number => results.reduce((all, each) => all + each[what], 0);
  const failed = results.filter((result) => result.fail > 0).map(({ file }) => file);
  if (failed.length > 0) console.log(`\nfailed:\n${failed.map((file) => `  ${file}\n`).join("")}`);
  const seconds = ((performance.now() - started) / SECOND).toFixed(1);
  console.log(`\n ${sum("pass")} pass\n ${sum("skip")} skip\n ${sum("fail")} fail`);
  console.log(`Ran ${sum("pass") + sum("fail")} tests across ${results.length} files. [${seconds} s]`);
  process.exitCode = failed.length > 0 || results.length < files.length ? 1 : 0;
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
