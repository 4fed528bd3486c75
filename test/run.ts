/**
 * Runs the tests, files side by side in processes of their own: `bun test/run.ts [--fast] [PATH…]`.
 *
 * They share two servers, and an executable of the tool that is compiled here; what would disturb the others starts
 * servers of its own. What a file printed is shown, in one piece, when something in it fails. The last lines have the
 * counts, in the words of `bun test`.
 */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { inParallel } from "../core/flow/parallel.ts";
import { EXECUTABLE } from "./cli.ts";
import { run } from "./servers/command.ts";
import { ownTempFolder } from "./servers/process.ts";
import { sharedServers, stopSharedServers } from "./servers/shared.ts";
import { readTimes, writeTimes } from "./times.ts";
import { USUAL } from "./usual-times.ts";

const SECOND = 1000;
/** A process that takes longer hangs; one that has many files may take twice as long on a machine that does much else. */
const FILE_LIMIT = 300 * SECOND;
const GROUP_LIMIT = 2 * FILE_LIMIT;
/** A test that takes longer hangs. */
const TEST_LIMIT = 180 * SECOND;
/** Processes at once: most of a test's time is spent waiting, e2e/streams.test.ts has the processor for a fifth of it. */
const WIDTH = availableParallelism() * 4;
/** Concurrent tests of a file that run at once. */
const TESTS_AT_ONCE = 4;
/** What a file that starts the tool takes, where nothing is known of it. */
const SLOW_FILE = 10 * SECOND;
/** What `--fast` leaves out: whatever runs the tool as a whole, or kills what it has started. */
const SLOW =
  /^test\/(e2e|servers)\/|^test\/(plugins\/(checkpoint\/mongodb|target\/file\/resume|_dynamodb\/access)|core\/spool\/spool)\.test/;
/** What has a time of its own, which files that come behind it in a process would get, too. */
const ALONE = /^test\/model\/|\.model\.test\.ts$/;
/** What became of the files of one process. */
interface Result {
  files: string[];
  pass: number;
  fail: number;
  skip: number;
  ms: number;
  /** Of each file. */
  times: { file: string; ms: number }[];
  output: string;
}

const args = process.argv.slice(2);
const fast = args.includes("--fast");
const paths = args.filter((arg) => arg !== "--fast");

const started = performance.now();
const jobs = findJobs();
if (jobs.length === 0) end(`no test file matches ${paths.join(", ")}`);
const build = ownTempFolder("build");
const results: Result[] = [];
try {
  const [servers, executable] = await Promise.all([startServers(), fast ? {} : compile()]);
  const environment = { ...process.env, ...servers, ...executable };
  await inParallel(jobs, WIDTH, async (files) => {
    const result = await runFiles(files, environment);
    results.push(result);
    show(result);
  });
} catch (error) {
  end(error instanceof Error ? error.message : String(error));
} finally {
  await stopSharedServers();
  await build.remove();
}
writeTimes(results.flatMap(({ times }) => times));
summarize();

/**
 * The files of each process, those that take longest first, so that nothing runs on alone. Whatever `--fast` runs
 * shares a few processes: to start one costs more than most of these files.
 */
function findJobs(): string[][] {
  const all = [...new Bun.Glob("test/**/*.test.ts").scanSync(".")].map((file) => file.replaceAll("\\", "/"));
  const wanted = all.filter(
    (file) => !(fast && SLOW.test(file)) && (paths.length === 0 || paths.some((path) => file.includes(path))),
  );
  const missing = [...USUAL.keys()].filter((file) => !all.includes(file));
  if (missing.length > 0) end(`test/usual-times.ts names files that aren't there: ${missing.join(", ")}`);
  const times = readTimes();
  const timed = wanted
    .map((file) => ({
      file,
      ms: times.get(file) ?? USUAL.get(file) ?? (SLOW.test(file) ? SLOW_FILE : SECOND),
    }))
    .toSorted((a, b) => b.ms - a.ms);
  const shared = Array.from({ length: WIDTH }, () => ({ files: [] as string[], ms: 0 }));
  const alone: typeof shared = [];
  for (const { file, ms } of timed) {
    if (SLOW.test(file) || ALONE.test(file)) {
      alone.push({ files: [file], ms });
      continue;
    }
    const least = shared.toSorted((a, b) => a.ms - b.ms)[0]!;
    least.files.push(file);
    least.ms += ms;
  }
  return [...alone, ...shared]
    .filter(({ files }) => files.length > 0)
    .toSorted((a, b) => b.ms - a.ms)
    .map(({ files }) => files);
}

async function startServers(): Promise<Record<string, string>> {
  const { mongoUri, dynamoEndpoint, names } = await sharedServers();
  console.log(`servers: ${names}`);
  return { NIMO_TEST_MONGODB: mongoUri, NIMO_TEST_DYNAMODB: dynamoEndpoint };
}

/** The executable starts in a third of the time that the sources take, and is what users have. */
async function compile(): Promise<Record<string, string>> {
  const file = join(build.folder, "nimo-shake");
  await run(build, process.execPath, ["run", "compile", "--outfile", file], FILE_LIMIT, {
    cwd: process.cwd(),
  });
  return { [EXECUTABLE]: file };
}

async function runFiles(files: string[], env: NodeJS.ProcessEnv): Promise<Result> {
  const begun = performance.now();
  const limit = files.length > 1 ? GROUP_LIMIT : FILE_LIMIT;
  const owned = ownTempFolder("test");
  const log = join(owned.folder, "output");
  let late = false;
  try {
    const exact = files.map((file) => `./${file}`);
    const report = join(owned.folder, "report.xml");
    const only = files.length > 1 ? ["--only-failures"] : [];
    const args = [
      "test",
      ...only,
      `--timeout=${TEST_LIMIT}`,
      `--max-concurrency=${TESTS_AT_ONCE}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...exact,
    ];
    const child = await owned.start(process.execPath, args, log, { env, cwd: process.cwd() });
    const timer = setTimeout(() => {
      late = true;
      void owned.kill();
    }, limit);
    const code = await child.exited.finally(() => clearTimeout(timer));
    const output = readFileSync(log, "utf8");
    const count = (word: string): number =>
      Number(new RegExp(`^ *(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
    const counts = { pass: count("pass"), fail: count("fail"), skip: count("skip") };
    // a file that doesn't load, leaves something behind or is killed fails without a failing test
    if (code !== 0 && counts.fail === 0) counts.fail = 1;
    const end = late ? `\n${nameOf(files)}: no end after ${limit / SECOND} s\n` : "";
    const ms = performance.now() - begun;
    return { files, ...counts, ms, times: timesIn(report), output: output + end };
  } finally {
    await owned.remove();
  }
}

/** What a report in JUnit's format says of each file; nothing when there is none. */
function timesIn(report: string): Result["times"] {
  const text = existsSync(report) ? readFileSync(report, "utf8") : "";
  return [...text.matchAll(/<testsuite name="([^"]+\.test\.ts)" file="\1"[^>]* time="([\d.]+)"/g)].map(
    ([, file, seconds]) => ({ file: file!, ms: Number(seconds) * SECOND }),
  );
}

function nameOf(files: string[]): string {
  return files.length === 1 ? files[0]! : `${files.length} files`;
}

function show({ files, pass, fail, skip, ms, output }: Result): void {
  const file = nameOf(files);
  const seconds = `${(ms / SECOND).toFixed(1)} s`;
  if (fail === 0) console.log(`${file}: ${pass} pass${skip > 0 ? `, ${skip} skip` : ""} [${seconds}]`);
  else console.log(`\n${output.trim()}\n${file}: ${fail} FAILED, ${pass} pass [${seconds}]\n`);
}

function summarize(): void {
  const sum = (what: "pass" | "fail" | "skip"): number => results.reduce((all, each) => all + each[what], 0);
  const failed = results.filter((result) => result.fail > 0).map(({ files }) => nameOf(files));
  if (failed.length > 0) console.log(`\nfailed:\n${failed.map((file) => `  ${file}`).join("\n")}`);
  const seconds = ((performance.now() - started) / SECOND).toFixed(1);
  console.log(`\n ${sum("pass")} pass\n ${sum("skip")} skip\n ${sum("fail")} fail`);
  console.log(`Ran ${sum("pass") + sum("fail")} tests across ${jobs.flat().length} files. [${seconds} s]`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

function end(why: string): never {
  console.error(why);
  process.exit(1);
}
