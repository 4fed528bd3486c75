/** Servers whose certificate isn't right are refused, at both sides; those whose authority is known are not. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Certificates, makeCertificates, writeAuthority } from "../servers/certificates.ts";
import { startTlsProxy, type TlsProxy } from "../stand-in/tls-proxy.ts";
import { type Outcome, type Scenario, scenario, type Settings, someItems } from "./helpers.ts";

setDefaultTimeout(180_000);

type Kind = "good" | "otherName" | "expired";

let s: Scenario;
let table: string;
let certificates: Certificates;
let authority: string;
const proxies: TlsProxy[] = [];
const ports = { source: {}, target: {} } as Record<"source" | "target", Record<Kind, number>>;

beforeAll(async () => {
  s = await scenario();
  table = await s.table("t", { items: someItems(3) });
  certificates = await makeCertificates();
  authority = writeAuthority(certificates, join(s.folder, "authority.pem"));
  for (const [side, behind] of [
    ["source", s.dynamoEndpoint],
    ["target", s.mongoUri],
  ] as const) {
    for (const kind of ["good", "otherName", "expired"] as const) {
      const proxy = await startTlsProxy(behind, certificates[kind]);
      proxies.push(proxy);
      ports[side][kind] = proxy.port;
    }
  }
});
afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  await s[Symbol.asyncDispose]();
});

const run = (changes: Settings, env: Record<string, string> = {}): Promise<Outcome> =>
  s.run(["run", "--fresh", "-c", s.conf(s.settings({ "target.db.exist": "drop", ...changes }))], env);

const source = (kind: Kind): Settings => ({
  "source.endpoint_url": `https://127.0.0.1:${ports.source[kind]}`,
});
const target = (kind: Kind, more = ""): Settings => ({
  "target.address": `mongodb://127.0.0.1:${ports.target[kind]}/?directConnection=true&tls=true&serverSelectionTimeoutMS=2000${more}`,
});

/** Certificates that are refused: which, whether their authority is known, why, and what the hint says. */
function refused(key: string, trust: RegExp): [string, Kind, boolean, string, RegExp][] {
  const other = new RegExp(`^hint: give the server in ${key.replace(".", "\\.")}`, "m");
  return [
    ["signed by nobody who is known", "good", false, "its certificate isn't trusted", trust],
    ["for another host", "otherName", true, "its certificate is for another name", other],
    [
      "that has expired",
      "expired",
      true,
      "its certificate has expired",
      /^hint: have the certificate renewed/m,
    ],
  ];
}

function expectRefused(outcome: Outcome, code: string, why: string, hint: RegExp): void {
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain(`error [${code}] `);
  expect(outcome.stderr).toContain(why);
  expect(outcome.stderr).toMatch(hint);
  // What doesn't pass by itself isn't tried for minutes.
  expect(outcome.ms).toBeLessThan(30_000);
}

describe("the source's certificate", () => {
  test("is taken when its authority is known by NODE_EXTRA_CA_CERTS", async () => {
    const outcome = await run(source("good"), { NODE_EXTRA_CA_CERTS: authority });
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(await s.db.collection(table).countDocuments()).toBe(3);
  });

  test.each(refused("source.endpoint_url", /^hint: if .* NODE_EXTRA_CA_CERTS /m))(
    "%s is refused, and the hint says what to do",
    async (_, kind, isKnown, why, hint) => {
      const outcome = await run(source(kind), isKnown ? { NODE_EXTRA_CA_CERTS: authority } : {});
      expectRefused(
        outcome,
        "SOURCE_UNREACHABLE",
        `no answer from https://127.0.0.1:${ports.source[kind]}, ${why}`,
        hint,
      );
    },
  );

  test("the AWS command line's variable isn't read, and the hint says so", async () => {
    const outcome = await run(source("good"), { AWS_CA_BUNDLE: authority });
    expectRefused(outcome, "SOURCE_UNREACHABLE", "isn't trusted", /for AWS_CA_BUNDLE isn't read$/m);
  });
});

describe("the target's certificate", () => {
  test.each<[string, () => [string, Record<string, string>]]>([
    ["tlsCAFile", () => [`&tlsCAFile=${encodeURIComponent(authority)}`, {}]],
    ["NODE_EXTRA_CA_CERTS", () => ["", { NODE_EXTRA_CA_CERTS: authority }]],
  ])("is taken when its authority is known by %s", async (_, how) => {
    const [more, env] = how();
    const outcome = await run(target("good", more), env);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(await s.db.collection(table).countDocuments()).toBe(3);
  });

  test.each(refused("target.address", /^hint: if .* tlsCAFile=/m))(
    "%s is refused, and the hint says what to do",
    async (_, kind, isKnown, why, hint) => {
      const outcome = await run(target(kind, isKnown ? `&tlsCAFile=${encodeURIComponent(authority)}` : ""));
      expectRefused(outcome, "TARGET_UNREACHABLE", why, hint);
    },
  );

  test("that of a checkpoint is looked at as well", async () => {
    const { "target.address": address } = target("good");
    const outcome = await run({ "checkpoint.type": "mongodb", "checkpoint.address": address! });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("its certificate isn't trusted");
    expect(outcome.stderr).toContain("tlsCAFile=");
  });
});
