/** That the migration has enabled a stream is noted before it is, and only then. */
import { describe, expect, test } from "bun:test";
import { enabledStream, openStreamNoted } from "../../../core/checkpoint/enabled-streams.ts";
import { createContext, type OwnedContext } from "../../../core/run/context.ts";
import type { Checkpoint } from "../../../core/plugin/roles.ts";
import dynamodbStreams from "../../../plugins/source/dynamodb-streams.ts";
import { memoryCheckpoint, memorySource, testConfig, testTable } from "../../fakes/context.ts";
import type { Misbehaviour } from "../../stand-in/dynamodb.ts";
import { startStreams, type Streams } from "../../stand-in/streams.ts";

const TABLE = testTable("pk");

async function open(
  streams: Streams,
  checkpoint: Checkpoint,
  settings: Record<string, string> = {},
): Promise<OwnedContext> {
  const config = testConfig({ "source.endpoint_url": streams.source.endpoint, ...settings });
  const ctx = createContext({ config, patience: 1000 });
  await ctx.use(dynamodbStreams);
  await ctx.use({
    name: "memory",
    setup({ provide }) {
      provide("checkpoint", checkpoint);
      provide("source", memorySource([]));
    },
  });
  return ctx;
}

/** Opens the table's stream where UpdateTable is answered like this; gives what is noted after it. */
async function noted(
  answer?: Misbehaviour,
  checkpoint: Checkpoint = memoryCheckpoint(),
): Promise<{ note: Awaited<ReturnType<typeof enabledStream>>; opened: string | Error }> {
  await using streams = await startStreams({
    tables: ["t"],
    disabled: true,
    misbehave: ({ operation, number }) => (operation === "UpdateTable" && number === 1 ? answer : undefined),
  });
  await using ctx = await open(streams, checkpoint);
  const opened = await openStreamNoted(ctx, TABLE).catch((error: Error) => error);
  return { note: await enabledStream(ctx, "t"), opened };
}

test("one that wasn't there: with its identifier", async () => {
  const { note, opened } = await noted();
  expect(note).toMatchObject({ stream: opened, at: expect.stringMatching(/^\d{4}-/) });
});

test("one that was there: nothing", async () => {
  await using streams = await startStreams({ tables: ["t"] });
  await using ctx = await open(streams, memoryCheckpoint());
  await openStreamNoted(ctx, TABLE);
  expect(await enabledStream(ctx, "t")).toBeUndefined();
});

test("one that isn't granted: nothing", async () => {
  const { note, opened } = await noted({ error: "AccessDeniedException" });
  expect(opened).toMatchObject({ code: "SOURCE_DENIED" });
  expect(note).toBeUndefined();
});

describe("one whose enabling was done and not answered, and asked for again is refused", () => {
  test.each([
    ["by the SDK", "ResourceInUseException", 3],
    ["by the SDK", "ValidationException", 3],
    ["by us", "ResourceInUseException", 0],
    ["by us", "ValidationException", 0],
  ])("%s, with %s: with its identifier", async (_, error, retries) => {
    await using streams: Streams = await startStreams({
      tables: ["t"],
      disabled: true,
      misbehave(call) {
        if (call.operation !== "UpdateTable") return undefined;
        if (call.number > 1) return { error };
        streams.right(call);
        return "hang up";
      },
    });
    await using ctx = await open(streams, memoryCheckpoint(), {
      "source.session.max_retries": String(retries),
    });
    const stream = await openStreamNoted(ctx, TABLE);
    expect(await enabledStream(ctx, "t")).toMatchObject({ stream });
    expect(streams.source.count("UpdateTable")).toBe(2);
  });
});

test("before it is asked for: a process that was killed then has noted it, and the next one completes that", async () => {
  const checkpoint = memoryCheckpoint();
  const save = checkpoint.save.bind(checkpoint);
  const events: string[] = [];
  checkpoint.save = async (name, parts) => {
    events.push(`save ${name} ${JSON.stringify([...parts.values()])}`);
    await save(name, parts);
    // As if it were killed right after that.
    if (events.length === 1) throw new Error("killed");
  };
  const { note, opened } = await noted(undefined, checkpoint);
  expect([opened, note]).toEqual([new Error("killed"), { at: expect.any(String) }]);
  const label = new Date().toISOString().slice(0, -1);
  await using streams = await startStreams({ tables: ["t"], label });
  await using ctx = await open(streams, checkpoint);
  const stream = await openStreamNoted(ctx, TABLE);
  expect(await enabledStream(ctx, "t")).toEqual({ at: note!.at, stream });
});

test.each<[string, string | undefined]>([
  ["made a day after a killed process has noted that it would enable one", "2026-01-02T00:00:00.000"],
  ["whose identifier doesn't tell when it was made, after such a note", undefined],
])("one that is there, %s: nothing", async (_, label = "1") => {
  const checkpoint = memoryCheckpoint();
  await checkpoint.save("enabled:t", new Map([["stream", { at: "2026-01-01T00:00:00.000Z" }]]));
  await using streams = await startStreams({ tables: ["t"], label });
  await using ctx = await open(streams, checkpoint);
  expect(await openStreamNoted(ctx, TABLE)).toEndWith(`/t/stream/${label}`);
  expect(await enabledStream(ctx, "t")).toBeUndefined();
});

test("what was disabled again isn't there any more, and a second time is no error", async () => {
  await using streams = await startStreams({ tables: ["t"] });
  await using ctx = await open(streams, memoryCheckpoint());
  const { enabled, disable } = ctx.role("streams");
  expect(await enabled!("t", ctx.signal)).toContain("/t/stream/");
  expect(await enabled!("nobody", ctx.signal)).toBeUndefined();
  await disable!("t", ctx.signal);
  expect(await enabled!("t", ctx.signal)).toBeUndefined();
  await disable!("t", ctx.signal);
});
