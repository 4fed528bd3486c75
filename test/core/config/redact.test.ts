/** What of a configuration and its addresses may be shown. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadConfig } from "../../../core/config/load.ts";
import { createRedactor, describeConfig } from "../../../core/config/redact.ts";
import { redactText, redactValue } from "../../../core/config/redact.ts";
import { FORMS } from "../../fakes/text-forms.ts";

const load = (set: Record<string, string>) =>
  loadConfig({ set: { "target.address": "mongodb://127.0.0.1", ...set } });

describe("redacting", () => {
  test.each([
    ["mongodb://u:p@h:1/db", "mongodb://***@h:1/db"],
    ["mongodb+srv://u:p@ss/w rd@h", "mongodb+srv://***@h"],
    ["u:p@h:1", "***@h:1"],
    ['"mongodb://u:p@h"', '"mongodb://***@h"'],
    [
      "mongodb://h/?tlsCertificateKeyFilePassword=p&w=1",
      "mongodb://h/?tlsCertificateKeyFilePassword=***&w=1",
    ],
    [
      "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:p,X:y",
      "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:***,X:y",
    ],
    ["https://h/?X-Amz-Signature=p&a=b", "https://h/?X-Amz-Signature=***&a=b"],
    ["https://h/?X-Amz-Security-Token=p", "https://h/?X-Amz-Security-Token=***"],
    ["mongodb://h1,h2/?replicaSet=rs", "mongodb://h1,h2/?replicaSet=rs"],
    ["", ""],
  ])("of the address %j gives %j", (address, shown) => {
    expect(redactValue("target.address", address)).toBe(shown);
  });

  test("of a text hides the credentials in its addresses", () => {
    expect(redactText("no answer from mongodb://u:p@h, nor http://a:b@c/ today")).toBe(
      "no answer from mongodb://***@h, nor http://***@c/ today",
    );
  });

  test("lets no password through, whatever it is made of", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (noise) => {
        const address = `mongodb://me:<${noise}>S3CR3T${noise}@h:1/?proxyPassword=S3CR3T`;
        expect(redactValue("target.address", address)).not.toContain("S3CR3T");
      }),
    );
  });

  test("of a configuration leaves everything but the secrets", () => {
    const uri = "mongodb://me:S3CR3T@h/?proxyPassword=S3CR3T";
    const { config } = load({
      "source.access_key_id": "S3CR3T",
      "source.secret_access_key": "S3CR3T",
      "source.session_token": "S3CR3T",
      "source.endpoint_url": "http://me:S3CR3T@h/",
      "target.address": uri,
      "checkpoint.address": uri,
      "filter.collection.white": "a;b",
    });
    const shown = describeConfig(config);
    expect(JSON.stringify(shown)).not.toContain("S3CR3T");
    expect(shown).toMatchObject({
      "source.session_token": "***",
      "filter.collection.white": ["a", "b"],
      "qps.full": 1000,
    });
    expect(shown["checkpoint.address"]).toBe("mongodb://***@h/?proxyPassword=***");
    expect(describeConfig(load({}).config)["source.session_token"]).toBe("");
    expect(JSON.stringify(config)).toContain("S3CR3T");
  });
});

/** Bytes that have no place in UTF-8 alone are no text. */
const secrets = fc
  .string({ unit: "binary", minLength: 6, maxLength: 40 })
  .filter((text) => text.isWellFormed() && text.trim() === text && new Set(text).size > 3);

test.each(Object.entries(FORMS))("a secret is hidden %s", (_, form) => {
  fc.assert(
    fc.property(secrets, (secret) => {
      const redact = createRedactor({ "source.secret_access_key": secret }, {});
      const shown = redact(`before: ${form(secret)} behind`);
      expect(shown).toMatch(/^before: [^]?\*\*\*[^]{0,3} behind$/);
    }),
    { numRuns: 50 },
  );
});

test.each(["base64", "base64url"] as const)("a secret is hidden as a part of what is %s", (encoding) => {
  fc.assert(
    fc.property(
      secrets,
      fc.string({ maxLength: 4 }),
      fc.string({ maxLength: 4 }),
      (secret, before, behind) => {
        const redact = createRedactor({ "source.secret_access_key": secret }, {});
        const shown = redact(`[${Buffer.from(`${before}${secret}${behind}`).toString(encoding)}]`);
        // A character at each end is shared with what stands beside it.
        const most =
          Math.ceil((Buffer.byteLength(before) * 8) / 6) + Math.ceil((Buffer.byteLength(behind) * 8) / 6) + 4;
        expect(shown).toContain("***");
        expect(shown.replace("***", "").length - 2).toBeLessThanOrEqual(most);
      },
    ),
    { numRuns: 50 },
  );
});

test.each<[string, Record<string, string>, Record<string, string>]>([
  ["an address's password", { "checkpoint.address": "mongodb://me:S3CR3T%2F@h" }, {}],
  ["an address's parameter", { "target.address": "mongodb://h/?proxyPassword=S3CR3T%2F" }, {}],
  [
    "an address's property",
    { "target.address": "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:S3CR3T%2F" },
    {},
  ],
  ["the password of an address that a plugin has", { "plugin.x.queue": "redis://me:S3CR3T%2F@h" }, {}],
  ["a plugin's password", { "plugin.x.password": "S3CR3T/" }, {}],
  ["a plugin's key", { "plugin.x.privateKey": "S3CR3T/" }, {}],
  ["a key in the environment", {}, { AWS_SECRET_ACCESS_KEY: "S3CR3T/" }],
  ["a token in the environment", {}, { AWS_SESSION_TOKEN: "S3CR3T/" }],
  ["a proxy's password", {}, { HTTPS_PROXY: "http://me:S3CR3T%2F@proxy:3128" }],
  ["a proxy's password in small letters", {}, { https_proxy: "http://me:S3CR3T%2F@proxy:3128" }],
])("%s is one of a configuration's secrets", (_, settings, env) => {
  expect(createRedactor(settings, env)("it is S3CR3T/, S3CR3T%2f")).toBe("it is ***, ***");
});

test("what isn't secret stays", () => {
  const text =
    "table auth of author bob at http://host:80/path?sort=key, Authorization: AWS4-HMAC-SHA256, 1.5 KB";
  const redact = createRedactor(
    {
      "plugin.x.author": "author bob",
      "plugin.pick.attributes.auth_log": "Authorization",
      "plugin.filter.where.tokens": "sort = key",
      "source.region": "us-east-1",
      id: "author",
    },
    {},
  );
  expect(redact(text)).toBe(text);
});

test.each([
  // In two parts, so that nobody takes it for a real one.
  `AKIA${"ABCDEFGHIJKLMNOP"}`,
  "x-amz-security-token:S3CR3T",
  String.raw`{"Authorization":"Basic S3CR3T"}`,
  String.raw`{\"authorization\":\"Bearer S3CR3T\"}`,
  `Credential=ASIA${"ABCDEFGHIJKLMNOP"}/20260101/us-east-1`,
])("what anybody may have given is hidden by its form: %s", (text) => {
  expect(redactText(text)).not.toMatch(/S3CR3T|ABCDEFGHIJKLMNOP/);
  expect(redactText(text)).toContain("***");
});

test("a configuration's own secret is hidden as it is, in an address, and quoted", () => {
  const redact = createRedactor({ "source.secret_access_key": 'a"b\\c/d e' });
  for (const text of ['a"b\\c/d e', encodeURIComponent('a"b\\c/d e'), JSON.stringify({ it: 'a"b\\c/d e' })])
    expect(redact(text)).toBe(text.startsWith("{") ? '{"it":"***"}' : "***");
  const answer = JSON.stringify({ body: JSON.stringify({ it: 'a"b\\c/d e' }) });
  expect(redact(answer)).toBe('{"body":"{\\"it\\":\\"***\\"}"}');
});

test.each([
  ["a word without an address", "x".repeat(1_000_000)],
  ["addresses without an @", "a://".repeat(200_000)],
  ["digits before an address", `${"1".repeat(1_000_000)}://x@`],
  ["parameters without a value", `?${"token".repeat(100_000)}`],
])("a long text is looked through in time: %s", (_, text) => {
  const begun = performance.now();
  const shown = redactText(`${text} mongodb://u:hunter2@h/?password=hunter2`);
  expect(shown).toEndWith(" mongodb://***@h/?password=***");
  // A pattern that begins anew at each character takes minutes.
  expect(performance.now() - begun).toBeLessThan(5000);
});
