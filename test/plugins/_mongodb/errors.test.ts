/** What the driver and the server say, in the user's words; at the target, and at the checkpoint. */
import { describe, expect, test } from "bun:test";
import { MongoNetworkError, MongoServerError, MongoServerSelectionError } from "mongodb";
import { connectError, isPassing, targetError } from "../../../plugins/_mongodb/errors.ts";
import { failed } from "../../../plugins/checkpoint/mongodb/failure.ts";
import { testConfig } from "../../fakes/context.ts";

const unauthorized = (database: string): MongoServerError =>
  new MongoServerError({
    code: 13,
    errmsg: `not authorized on ${database} to execute command { update: "states", updates: [ { q: { _id: "x" } } ], lsid: { id: UUID("1") } }`,
  });
const wrongPassword = new MongoServerError({ code: 18, errmsg: "Authentication failed." });
const away = new MongoNetworkError("connect ECONNREFUSED 127.0.0.1:1");

describe("at the target", () => {
  test("a socket that breaks while a command is written is a server that is away, which passes", () => {
    // As the driver throws it: no error of its own.
    const broken = Object.assign(new Error("write ECONNRESET"), { code: "ECONNRESET", syscall: "write" });
    expect(isPassing(broken)).toBe(true);
    expect(targetError(broken, "writing to shop.orders")).toMatchObject({
      code: "TARGET_UNREACHABLE",
      message: "write ECONNRESET: writing to shop.orders",
    });
    expect(isPassing(new Error("a defect"))).toBe(false);
  });

  test("a right that is missing names the database and the action, and not the command", () => {
    expect(targetError(unauthorized("shop"), "writing to shop.orders")).toMatchObject({
      code: "TARGET_DENIED",
      message: "not authorized on shop to execute update: writing to shop.orders",
      hint: "grant the user readWrite and dbAdmin on database shop",
    });
  });

  test.each([
    ["connect ECONNREFUSED 10.0.0.1:27017", "and that the server runs"],
    ["getaddrinfo ENOTFOUND certificates-db", "and that the server runs"],
    ["connection 3 to certificates-db:27017 timed out", "and that the server runs"],
    ["self-signed certificate in certificate chain", "tlsCAFile"],
    ["certificate has expired", "renewed at the server"],
    ["ssl3_read_bytes:tlsv13 alert certificate required", "tlsCertificateKeyFile"],
    ["ssl3_read_bytes:sslv3 alert certificate expired", "tlsCertificateKeyFile"],
  ])("whose certificate it is, if it is one's, is told from the driver's words: %s", (message, hint) => {
    const thrown = new MongoServerSelectionError(message, {} as never);
    expect(connectError(thrown, "target.address", "mongodb://certificates-db:27017/")).toMatchObject({
      code: "TARGET_UNREACHABLE",
      hint: expect.stringContaining(hint),
    });
  });

  test.each([
    ["DNSException", "querySrv ENOTFOUND _mongodb._tcp.wrong-host"],
    ["Error", "no records found"],
  ])(
    "a host of mongodb+srv:// that isn't there is named, whatever the runtime calls that: %s",
    (name, message) => {
      const thrown = Object.assign(new Error(message), { name });
      expect(connectError(thrown, "target.address", "mongodb+srv://me:secret@wrong-host/?x=1")).toMatchObject(
        {
          code: "TARGET_UNREACHABLE",
          message: `no servers are known for wrong-host, ${message}: connecting to target.address`,
          hint: expect.stringContaining("target.address"),
        },
      );
    },
  );
});

describe("at the checkpoint", () => {
  const fail = (error: unknown, settings: Record<string, string> = {}): unknown =>
    failed(error, "saving to database x-state", "x-state", testConfig(settings));
  const OTHER = { "checkpoint.address": "mongodb://other" };
  /** The same server, in other words. */
  const SAME = {
    "target.address": "mongodb://a,b:27017/",
    "checkpoint.address": "mongodb://me:p@b/admin?w=1",
  };

  test.each<[string, unknown, Record<string, string>, object]>([
    [
      "away, beside the target",
      away,
      {},
      { code: "TARGET_UNREACHABLE", hint: expect.stringContaining("target.address") },
    ],
    ["away, on a server of the target's", away, SAME, { code: "TARGET_UNREACHABLE" }],
    [
      "away, elsewhere",
      away,
      OTHER,
      { code: "CHECKPOINT_FAILED", hint: expect.stringContaining("checkpoint.address") },
    ],
    [
      "away, and the target is no MongoDB",
      away,
      {
        "target.type": "file",
        "checkpoint.type": "mongodb",
        "checkpoint.address": "mongodb://h",
        "target.address": "out",
      },
      { code: "CHECKPOINT_FAILED" },
    ],
    ["a wrong password, beside the target", wrongPassword, {}, { code: "TARGET_DENIED" }],
    ["a wrong password, elsewhere", wrongPassword, OTHER, { code: "CHECKPOINT_FAILED" }],
    [
      "no right, beside the target",
      unauthorized("x-state"),
      {},
      {
        code: "CHECKPOINT_FAILED",
        message: "not authorized on x-state to execute update: saving to database x-state",
        hint: "grant the user in target.address the role readWrite on database x-state, or set checkpoint.db to another",
      },
    ],
    [
      "no right, and the streams are followed",
      unauthorized("x-state"),
      { "checkpoint.db": "x", sync_mode: "all" },
      { hint: expect.stringContaining("readWrite on databases x and x-state, or") },
    ],
    [
      "no right, elsewhere",
      unauthorized("x-state"),
      OTHER,
      {
        code: "CHECKPOINT_FAILED",
        hint: expect.stringContaining("the user in checkpoint.address the role readWrite"),
      },
    ],
  ])("%s", (_, error, settings, expected) => {
    expect(fail(error, settings)).toMatchObject(expected);
  });
});
