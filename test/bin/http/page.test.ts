/** The page's text and its headers; what a browser makes of it is in test/e2e/page.test.ts. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { buildPage } from "../../../bin/page/build.ts";
import { addPage } from "../../../bin/http/page.ts";
import { createRoutes } from "../../../bin/http/port.ts";

async function ask(): Promise<Response> {
  const app = createRoutes();
  addPage(app);
  return app.request("/");
}

test("it is what its sources make: else bun run page makes it", async () => {
  const built = readFileSync(`${import.meta.dirname}/../../../bin/http/page-built.ts`, "utf8");
  expect((await buildPage()) === built).toBeTrue();
});

test("nothing but its own script and style may run, and nobody may frame it", async () => {
  const { headers } = await ask();
  const policy = headers.get("content-security-policy")!.split("; ");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("connect-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy.join(" ")).not.toMatch(/unsafe|\*|https?:/);
  expect(headers.get("content-type")).toStartWith("text/html");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("access-control-allow-origin")).toBeNull();
});

test("the policy names the one script and the one style by their hashes", async () => {
  const answer = await ask();
  const policy = answer.headers.get("content-security-policy")!;
  const html = await answer.text();
  for (const [tag, directive] of [
    ["script", "script-src"],
    ["style", "style-src"],
  ] as const) {
    const parts = html.split(`<${tag}>`);
    expect(parts).toHaveLength(2);
    const text = parts[1]!.split(`</${tag}>`)[0]!;
    const hash = createHash("sha256").update(text).digest("base64");
    expect(policy).toContain(`${directive} 'sha256-${hash}'`);
  }
  // Of other places it knows none but the namespace of a picture.
  expect(html.match(/https?:\/\/[\w.]+/g)?.filter((url) => !url.endsWith("www.w3.org"))).toEqual([]);
});
