/** MongoDB's answers that never come, and addresses that can't be used. */
import { createConsola } from "consola";
import { MongoClient } from "mongodb";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  answered,
  connect,
  connectTimeout,
  createCalls,
  patiently,
} from "../../../plugins/_mongodb/client.ts";
import { startTcpProxy } from "../../faults/tcp-proxy.ts";
import { sharedServers } from "../../servers/shared.ts";

setDefaultTimeout(180_000);

/** A certificate that has expired; nobody has its key. */
const PEM = `-----BEGIN CERTIFICATE-----
MIIBdDCCARmgAwIBAgIUM+oG40Jwals2KOYF80Y8FuLMb0MwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjYwNzU3MDdaFw0yNjExMjcwNzU3MDda
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQJQGm2
33QG5tp0VSZaGtl0JSxNik/AfDEeWs+GTek0+Tud0b9rOBQxamnRex4S8InF9G+t
nTnp6UcvvgADcKlJo1MwUTAdBgNVHQ4EFgQUXGMQEChcas+10orHUSS61shtqLIw
HwYDVR0jBBgwFoAUXGMQEChcas+10orHUSS61shtqLIwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEA6wq1k52stb8mVKJLnKr9GnsCmchS2s3HD2FV
9iIawcoCIQCO2aleaLMoxGz79egD4nyBby63DhhbQZOd9ujIOBX5LQ==
-----END CERTIFICATE-----
`;
const KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

const never = new Promise<never>(() => {});

test("an answer that never comes is given up when the run is abandoned", async () => {
  const run = new AbortController();
  setTimeout(() => run.abort(), 50);
  await expect(answered(never, run.signal)).rejects.toThrow("no answer before the run ended");
  // Nor is it waited for afterwards.
  await expect(answered(never, run.signal)).rejects.toThrow("no answer before the run ended");
});

test("an answer that may take hours is waited for, until the run is abandoned", async () => {
  const run = new AbortController();
  expect(await patiently(sleep(50, 1), run.signal)).toBe(1);
  setTimeout(() => run.abort(), 50);
  await expect(patiently(never, run.signal)).rejects.toThrow("no answer before the run ended");
});

test("an answer or a refusal is passed on", async () => {
  const { signal } = new AbortController();
  expect(await answered(Promise.resolve(1), signal)).toBe(1);
  await expect(answered(Promise.reject(new Error("refused")), signal)).rejects.toThrow("refused");
});

describe("an address that can't be used is the configuration's fault: key and cause are named", () => {
  const { signal } = new AbortController();
  const log = createConsola({ level: -999 });
  const connecting = (address: string, key?: "checkpoint.address") =>
    connect(address, 1, log, { signal, abandon: signal }, key);

  test.each([
    ["mongodb+srv://h.example.com:27017/", "port"],
    ["mongodb+srv://a.example.com,b.example.com/", "multiple"],
    ["mongodb://127.0.0.1:1/?tls=true&tlsCAFile=/nowhere/ca.pem", "/nowhere/ca.pem"],
    ["mongodb://127.0.0.1:1/?tls=true&tlsCertificateKeyFile=/nowhere/client.pem", "/nowhere/client.pem"],
    ["mongodb://127.0.0.1:1/?replicaSet=", "replicaSet"],
    ["mongodb://127.0.0.1:1/?compressors=lz9", "lz9"],
    ["mongodb://127.0.0.1:1/?authMechanism=SCRAM-SHA-256", "Username"],
    ["mongodb://127.0.0.1:1/?frob=1", "frob"],
    ["mongodb://127.0.0.1:0/", "port"],
    ["mongodb://:27017", "Invalid"],
  ])("%s", async (address, cause) => {
    for (const key of ["target.address", "checkpoint.address"] as const) {
      const refusal = {
        code: "CONFIG_INVALID",
        exit: 2,
        message: expect.stringMatching(new RegExp(`^${key}: .*${cause}`)),
      };
      const given = key === "checkpoint.address" ? key : undefined;
      await expect(connecting(address, given)).rejects.toMatchObject(refusal);
    }
  });

  describe("the file of", () => {
    const folder = mkdtempSync(join(tmpdir(), "nimo-shake-certificates-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const at = (option: string, text: string): string => {
      const path = join(folder, "file.pem");
      writeFileSync(path, text);
      return `mongodb://127.0.0.1:1/?tls=true&serverSelectionTimeoutMS=500&${option}=${path}`;
    };

    test.each([
      ["a CA that is empty", "tlsCAFile", ""],
      ["a CA that is no PEM", "tlsCAFile", "hello"],
      ["a CA that is cut off", "tlsCAFile", PEM.slice(0, 100)],
      ["a CA with another content", "tlsCAFile", PEM.replace(/\nMII[^]*?\n/, "\nAAAA\n")],
      ["a client that is no PEM", "tlsCertificateKeyFile", "hello"],
      ["a client with another content", "tlsCertificateKeyFile", `${KEY}${PEM.replace("MII", "AAA")}`],
      ["a client without its key", "tlsCertificateKeyFile", PEM],
      ["a client whose key is broken", "tlsCertificateKeyFile", `${PEM}${KEY}`],
      [
        "a client whose key needs a password",
        "tlsCertificateKeyFile",
        `${PEM}${KEY.replaceAll("PRIV", "ENCRYPTED PRIV")}`,
      ],
      ["a client without its certificate", "tlsCertificateKeyFile", KEY],
    ])("%s", async (_, option, text) => {
      const address = at(option, text);
      const hint = expect.stringContaining(join(folder, "file.pem"));
      for (const key of ["target.address", "checkpoint.address"] as const) {
        const refusal = {
          code: "CONFIG_INVALID",
          exit: 2,
          message: expect.stringMatching(new RegExp(`^${key}: no .*: ${folder}`)),
          hint,
        };
        const given = key === "checkpoint.address" ? key : undefined;
        await expect(connecting(address, given)).rejects.toMatchObject(refusal);
      }
    });

    test("a CA is used, with what stands around it", async () => {
      const address = at("tlsCAFile", `a comment\n${KEY}${PEM}\n${PEM}`);
      await expect(connecting(address)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
    });
  });

  test("an SRV name that isn't there", async () => {
    await expect(connecting("mongodb+srv://nowhere.example.invalid/")).rejects.toMatchObject({
      code: "TARGET_UNREACHABLE",
      hint: expect.stringContaining("target.address"),
    });
  });

  test.each([
    ["replicaSet=wrong", /timed out.* replica set \w+, and not to wrong$/],
    ["compressors=snappy", /snappy/],
  ])("%s, of a server that runs", async (option, message) => {
    const { mongoUri } = await sharedServers();
    const address = `${mongoUri.split("?")[0]}?serverSelectionTimeoutMS=500&${option}`;
    await expect(connecting(address)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
    });
  });
});

test.each([10_000, 30_000, 120_000])(
  "a server is waited for as long as the address says, and the driver's words are heard: %d ms",
  (serverSelectionTimeoutMS) => {
    const client = new MongoClient(`mongodb://h/?serverSelectionTimeoutMS=${serverSelectionTimeoutMS}`);
    expect(connectTimeout(client.options)).toBeGreaterThan(serverSelectionTimeoutMS + 30_000);
  },
);

test.each([
  ["", 16],
  ["maxConnecting=2", 2],
])("connections made at once are as many as the address says: %s", async (option, expected) => {
  const { mongoUri } = await sharedServers();
  const { signal } = new AbortController();
  const address = `${mongoUri}${mongoUri.includes("?") ? "&" : "?"}${option}`;
  const opened = await connect(address, 1, createConsola({ level: -999 }), { signal, abandon: signal });
  await opened.close();
  for (const client of [opened.data, opened.patient]) expect(client.options.maxConnecting).toBe(expected);
});

test("calls wait for their turn, and the time for an answer counts from the sending on", async () => {
  const run = new AbortController();
  const calls = createCalls(2, run.signal, 1000);
  let now = 0;
  let most = 0;
  const send = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await sleep(50);
    now--;
  };
  // the last one is sent after 1200 ms
  await Promise.all(Array.from({ length: 50 }, () => calls(send)));
  expect(most).toBe(2);
  await expect(calls(() => never)).rejects.toThrow("no answer for 1 s");
  run.abort();
  await expect(calls(() => expect.unreachable())).rejects.toThrow("no answer before the run ended");
});

test("a server that never answers the first call is given up when the run is abandoned", async () => {
  const silent = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data() {} },
  });
  const { signal } = new AbortController();
  const abandoned = AbortSignal.timeout(300);
  const log = createConsola({ level: -999, reporters: [] });
  try {
    const address = `mongodb://127.0.0.1:${silent.port}`;
    const connecting = connect(address, 1, log, { signal, abandon: abandoned });
    await expect(connecting).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  } finally {
    silent.stop(true);
  }
}, 5_000);

describe("connections are closed, of a server that answers nobody any more,", () => {
  test.each([
    ["within seconds", new AbortController().signal, 5_000],
    ["at once when the run is abandoned", AbortSignal.abort(), 1_000],
  ])("%s", async (_, abandoned, within) => {
    const { mongoUri } = await sharedServers();
    await using proxy = await startTcpProxy(Number(new URL(mongoUri).port));
    const { signal } = new AbortController();
    const abandon = new AbortController();
    const log = createConsola({ level: -999, reporters: [] });
    const address = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`;
    const opened = await connect(address, 1, log, { signal, abandon: abandon.signal });
    const admin = opened.patient.db("admin");
    const session = opened.patient.startSession();
    await admin.command({ ping: 1 }, { session });
    await admin.command({ ping: 1 });
    await proxy.set({ kind: "silent" });
    // The only connection is given up with what waits for it, and the driver wants to end its sessions on another one.
    admin.command({ ping: 1 }, { session }).catch(() => {});
    await sleep(50);
    if (abandoned.aborted) abandon.abort();
    const from = performance.now();
    await opened.close();
    expect(performance.now() - from).toBeLessThan(within);
  });
});
