/** `/`: a page for people, which reads `/events` and nothing else. */
import type { Hono } from "hono";
import { HASHES, PAGE } from "./page-built.ts";

/** Its own script and style, `/events`, and nothing of anybody else; names can't become markup. */
const POLICY = [
  "default-src 'none'",
  `script-src '${HASHES.script}'`,
  `style-src '${HASHES.style}'`,
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** Adds `GET /`. */
export function addPage(app: Hono): void {
  app.get("/", (c) =>
    c.html(PAGE, 200, {
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-cache",
    }),
  );
}
