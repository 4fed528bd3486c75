/** What is fetched: whole or not at all, once for all processes. */
import { afterEach, beforeEach, expect, test, setDefaultTimeout } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cached, cacheFolder, fetchOnce } from "./cache.ts";
import { download, verifySha256 } from "./download.ts";
import { leftovers } from "./process.ts";
import { firstOf } from "./ways.ts";

setDefaultTimeout(180_000);

let cache: string;
let before: string | undefined;

beforeEach(() => {
  before = process.env.XDG_CACHE_HOME;
  cache = mkdtempSync(join(tmpdir(), "nimo-shake-cache-"));
  process.env.XDG_CACHE_HOME = cache;
});

afterEach(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  rmSync(cache, { recursive: true });
  expect(leftovers().filter((line) => line.includes(cache))).toEqual([]);
});

test("two that want the same fetch it once", async () => {
  let fetched = 0;
  const fetching = () =>
    fetchOnce("thing", "a thing", async (owned) => {
      fetched++;
      await sleep(50);
      writeFileSync(join(owned.folder, "file"), "whole");
    });
  const [one, two] = await Promise.all([fetching(), fetching()]);
  expect(one).toBe(two);
  expect(fetched).toBe(1);
  expect(readFileSync(join(cached("thing")!, "file"), "utf8")).toBe("whole");
  expect(readdirSync(cacheFolder())).toEqual(["thing"]);
});

test("half a download is nothing, and one that took long to fail is not tried again at once", async () => {
  let tries = 0;
  const fetching = () =>
    fetchOnce("thing", "a thing", async (owned) => {
      tries++;
      writeFileSync(join(owned.folder, "file"), "ha");
      await sleep(1100);
      throw new Error("the line went dead");
    });
  await expect(fetching()).rejects.toThrow("the line went dead");
  expect(cached("thing")).toBeUndefined();
  await expect(fetching()).rejects.toThrow(/the line went dead \(tried before; again in 10 min/);
  expect(tries).toBe(1);
  expect(readdirSync(cacheFolder())).toEqual(["thing.failed"]);
});

test("the lock of a dead process is taken over", async () => {
  const dead = Bun.spawnSync(["true"]).pid;
  await fetchOnce("other", "another thing", async () => {});
  writeFileSync(join(cacheFolder(), "thing.lock"), String(dead));
  await fetchOnce("thing", "a thing", async () => {});
  expect(readdirSync(cacheFolder()).sort()).toEqual(["other", "thing"]);
});

test("a download is checked", async () => {
  const content = "x".repeat(1_000_000);
  const sum = createHash("sha256").update(content).digest("hex");
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/file": () => new Response(content),
      "/good": () => new Response(`${sum}  file\n`),
      "/bad": () => new Response("00  file\n"),
    },
    fetch: () => new Response("", { status: 404 }),
  });
  const file = join(cache, "file");
  await download(`${server.url}file`, file);
  expect(readFileSync(file, "utf8")).toBe(content);
  await verifySha256(file, `${server.url}good`);
  await expect(verifySha256(file, `${server.url}bad`)).rejects.toThrow("another checksum");
  await expect(download(`${server.url}missing`, file)).rejects.toThrow("status 404");
});

test("what is here comes before what can be fetched; else all reasons are listed", async () => {
  const fetchable = { name: "download", fetch: async () => "fetched" };
  expect(await firstOf("thing", "", [fetchable, { name: "installed", have: async () => "installed" }])).toBe(
    "installed",
  );
  expect(await firstOf("thing", "", [fetchable])).toBe("fetched");
  const closed = { name: "download", fetch: async () => Promise.reject(new Error("closed")) };
  await expect(
    firstOf("thing", "Set THING.", [{ name: "PATH", have: async () => undefined }, closed]),
  ).rejects.toThrow("no thing; tried:\n  PATH: not found\n  download: closed\nSet THING.");
});
