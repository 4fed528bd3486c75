/** The page in a browser: in both phases, light and dark, at a desk and on a phone, with names that are markup. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { addEvents, type Events, type EventsOptions } from "../../bin/http/events.ts";
import { createRunView, type RunView } from "../../bin/http/run-view.ts";
import { addPage } from "../../bin/http/page.ts";
import { createRoutes, openHttpPort } from "../../bin/http/port.ts";
import { type FakeRun, type FakeView, fakeView } from "../fakes/run-view.ts";
import { eventually } from "./eventually.ts";
import { runIdentity } from "../../core/run/identity.ts";
import { MigrationError } from "../../core/errors.ts";
import { createProgress } from "../../core/progress/progress.ts";
import { load } from "../fakes/config.ts";
import { dynamo, scenario } from "./helpers.ts";
import { launchChromium } from "../servers/chromium.ts";
import { message } from "../servers/command.ts";

setDefaultTimeout(180_000);

const SECOND = 1000;
const EVIL = `<img src=x onerror="injected=1">`;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await launchChromium().catch((error: unknown) => {
  console.error(`the page is not tried in a browser: ${message(error)}`);
  return undefined;
});
const open: (() => Promise<void> | void)[] = [];

afterAll(async () => {
  for (const close of open.splice(0).toReversed()) await close();
  await browser?.close();
});

interface Served {
  events: Events;
  url: string;
}

/** Its second takes a fifth of one, or so many ms. */
async function serve(run: FakeRun, every = 200): Promise<Served & { view: FakeView }> {
  const view = fakeView(run);
  view.lines.push({ time: new Date(view.now).toISOString(), level: "warn", message: EVIL });
  const timer = setInterval(() => view.advance(SECOND), every);
  open.push(() => clearInterval(timer));
  return { view, ...(await serveView(view, { now: () => view.now, every })) };
}

async function serveView(view: RunView, options: EventsOptions): Promise<Served> {
  const app = createRoutes();
  const events = addEvents(app, view, options);
  addPage(app);
  const port = (await openHttpPort(app, {
    name: "test",
    key: "test",
    host: "127.0.0.1",
    port: 0,
    log: { warn() {} },
  }))!;
  open.push(
    () => port.close(),
    () => events.close(),
  );
  return { events, url: `http://127.0.0.1:${port.port}/` };
}

/** What a page did that it shouldn't have. */
interface Watched {
  page: Page;
  faults: string[];
  requests: Set<string>;
}

async function visit(url: string): Promise<Watched> {
  // A Chromium made for servers has a language that no formatter knows.
  const page = await browser!.newPage({ locale: "en-US", viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60 * SECOND);
  const faults: string[] = [];
  const requests = new Set<string>();
  page.on("console", (said) => faults.push(said.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (asked) => requests.add(asked.url()));
  await page.goto(url);
  await linked(page, "live");
  return { page, faults, requests };
}

function linked(page: Page, text: string): Promise<void> {
  return page.locator("#link").getByText(text, { exact: true }).waitFor();
}

/** What axe finds; it brings its rules along, and the page's policy lets nothing else in. */
async function problems(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate("axe.run()");
  const { violations } = found as { violations: { id: string; nodes: { html: string }[] }[] };
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

const tile = (page: Page, name: string) => page.locator(".tile", { hasText: name }).locator(".value");

describe.skipIf(browser === undefined)("the page", () => {
  const names = ["orders", EVIL, "long".repeat(60)];
  test.each([
    { phase: "full", says: /^Copying \d+%$/, light: "Not yet", rules: { theme: "light", width: 1280 } },
    { phase: "incr", says: /^Following$/, light: "Yes", rules: { theme: "dark", width: 375 } },
  ] as const)("in the phase $phase", async ({ phase, says, light, rules }) => {
    const { url } = await serve({ phase, tables: 3, names });
    const { page, faults, requests } = await visit(url);
    await tile(page, "Phase").getByText(says).waitFor();
    expect(await tile(page, "Switch over").textContent()).toBe(light);
    expect(await page.locator("tbody th").allTextContents()).toEqual(expect.arrayContaining(names));
    const row = page.locator("tbody tr", { hasText: "orders" }).first();
    const before = await row.textContent();
    await eventually(async () => expect(await row.textContent()).not.toBe(before));
    await row.getByRole("button").click();
    if (phase === "incr") await page.locator(".tree li li").first().waitFor();
    else expect(await row.getByRole("progressbar").count()).toBe(1);
    const colours = new Set<unknown>();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      colours.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      for (const width of [1280, 375]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(
          width,
        );
        // Each rule once in each theme: it takes half a second.
        if (colorScheme === rules.theme && width === rules.width) expect(await problems(page)).toEqual([]);
      }
    }
    expect(colours.size).toBe(2);
    expect(await page.evaluate("typeof injected")).toBe("undefined");
    expect(await page.locator("img").count()).toBe(0);
    expect(faults).toEqual([]);
    const asked = [...requests].filter((address) => !address.startsWith("data:")).sort();
    expect(asked).toEqual([url, `${url}events`]);
    await page.close();
  });

  test("by keyboard: past the head, a theme that is remembered, a table opened and closed", async () => {
    const { url } = await serve({ phase: "incr", tables: 2 });
    const { page, faults } = await visit(url);
    const focused = () => page.evaluate("document.activeElement.textContent.trim()");
    const press = async (key: string) => {
      await page.keyboard.press(key);
      return focused();
    };
    expect(await press("Tab")).toBe("Skip to the tables");
    expect(await press("Tab")).toBe("Theme: auto");
    expect(await press("Enter")).toBe("Theme: light");
    expect(await press("Enter")).toBe("Theme: dark");
    expect(await press("Tab")).toBe("About this run");
    await page.reload();
    await page.getByText("Theme: dark").waitFor();
    expect(await page.evaluate("getComputedStyle(document.documentElement).colorScheme")).toBe("dark");
    await page.locator("tbody th button").first().waitFor();
    await press("Tab");
    expect(await press("Enter")).toContain("Tables");
    await press("Tab");
    await press("Tab");
    expect(await press("Tab")).toBe("orders");
    const details = page.locator(".details").first();
    expect(await details.isVisible()).toBeFalse();
    await press("Enter");
    expect(await details.isVisible()).toBeTrue();
    await press("Space");
    expect(await details.isVisible()).toBeFalse();
    expect(faults).toEqual([]);
    await page.close();
  });

  test("500 tables and 1,000 shards stay readable, and nothing grows while it goes on", async () => {
    const { view, url } = await serve({ phase: "incr", tables: 500, shards: 1, troubled: true }, 500);
    const big = fakeView({ phase: "incr", tables: 1, shards: 1000 }).progress.tables.get("orders")!;
    view.progress.tables.get("orders")!.stream = big.stream!;
    const { page, faults } = await visit(url);
    const rows = page.locator("tbody th");
    // What is behind is first, wherever it stands in the run.
    await eventually(async () => expect(await rows.first().textContent()).toBe("carts"));
    expect(await rows.count()).toBe(60);
    await page.getByLabel("Filter").fill("ORD");
    await eventually(async () => expect(await rows.first().textContent()).toBe("orders"));
    await rows.first().getByRole("button").click();
    expect(await page.locator(".tree li").count()).toBe(50);
    await page.getByRole("button", { name: "Show all 1,000 shards" }).click();
    expect(await page.locator(".tree li").count()).toBeGreaterThanOrEqual(1000);
    await page.getByLabel("Filter").fill("");
    await page.getByRole("button", { name: "Show all 500 tables" }).click();
    expect(await rows.count()).toBe(500);
    const size = () => page.evaluate("document.querySelectorAll('*').length");
    const before = await size();
    const speed = tile(page, "Throughput");
    const text = await speed.textContent();
    await eventually(async () => expect(await speed.textContent()).not.toBe(text));
    expect(await size()).toBe(before);
    expect(faults).toEqual([]);
    await page.close();
  });

  test("it says when the connection is lost, comes back by itself, and keeps the end of the run", async () => {
    const { view, events, url } = await serve({ phase: "incr", tables: 2 });
    const { page, requests } = await visit(url);
    const { status } = view;
    view.status = () => {
      throw new Error("no status");
    };
    await linked(page, "connection lost");
    expect(await page.locator("#notice").textContent()).toContain("trying again");
    expect(await tile(page, "Phase").textContent()).toBe("Following");
    expect(await tile(page, "Switch over").textContent()).toBe("Not known");
    view.status = status;
    await linked(page, "live");
    view.progress.phase = "done";
    await events.close();
    await linked(page, "ended");
    expect(await page.locator("#notice").textContent()).toContain("The run is done");
    await page.getByText("Done", { exact: true }).first().waitFor();
    expect(await page.title()).toBe("ended: shop-migration");
    requests.clear();
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))");
    expect(requests.size).toBe(0);
  });

  test("a real run: copied, followed, and stopped", async () => {
    await using s = await scenario();
    const name = await s.table("page", { items: [{ pk: { S: "a" } }, { pk: { S: "b" } }] });
    const progress = createProgress();
    const { config } = load({ id: s.id, sync_mode: "all" });
    const identity = runIdentity(config);
    const view = createRunView({ config, identity, progress, warnings: () => [], redact: (text) => text });
    const { url, events } = await serveView(view, { every: 100 });
    const stop = new AbortController();
    const run = s.migrate({ sync_mode: "all" }, { progress, signal: stop.signal });
    const { page } = await visit(url);
    await tile(page, "Switch over").getByText("Yes").waitFor();
    expect(await tile(page, "Phase").textContent()).toBe("Following");
    await page.locator("tbody th button", { hasText: name }).click();
    await page.locator(".tree code").first().waitFor();
    const facts = page.locator(".facts div", { hasText: "Changes applied" }).locator("dd");
    expect(await facts.textContent()).toBe("0");
    await dynamo(s.dynamoEndpoint, "PutItem", { TableName: name, Item: { pk: { S: "c" } } });
    await facts.getByText("1", { exact: true }).waitFor();
    stop.abort(new MigrationError("INTERRUPTED", "enough"));
    await run.catch(() => {});
    await events.close();
    await linked(page, "ended");
    expect(await page.locator("#notice").textContent()).toContain("The run was stopped");
    await tile(page, "Phase").getByText("Stopped").waitFor();
    expect(await tile(page, "Switch over").textContent()).toBe("Not known");
    await page.close();
  });
});
