/** A comparison asks the process that follows to save how far it is. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { createNoteAsker } from "../../../bin/control/ask-to-note.ts";
import { encode, refused } from "../../../bin/control/protocol.ts";
import { ownTempFolder } from "../../servers/process.ts";
import { testConfig } from "../../fakes/context.ts";
import { scene } from "./scene.ts";

setDefaultTimeout(60_000);

const PATIENCE = 300;
const MODULE = join(import.meta.dir, "scene.ts");
/** In which folder a process works, is known there only. */
const isElsewhere = process.platform !== "linux";

/** A process of id = shop in a folder of its own, with a control socket there. */
async function elsewhere(): Promise<{ pid: number; end(): Promise<void> }> {
  const owned = ownTempFolder("note");
  const code = `
    const { scene } = await import(${JSON.stringify(MODULE)});
    await scene("shop", process.cwd());
    console.log("ready");
    setInterval(() => {}, 1000);
  `;
  const child = Bun.spawn([process.execPath, "-e", code], { cwd: owned.folder, stdout: "pipe" });
  await child.stdout.getReader().read();
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    await owned.remove();
  };
  return { pid: child.pid, end };
}

function asker(): { said: string[]; note: ReturnType<typeof createNoteAsker> } {
  const said: string[] = [];
  const log = { debug: (message: string) => void said.push(message) };
  return { said, note: createNoteAsker(testConfig({ id: "shop" }), log, PATIENCE) };
}

test("the run is told the table, and says whether it follows it", async () => {
  await using s = await scene();
  expect(await s.answers({ verb: "note", table: "orders" })).toEqual([
    { type: "result", result: { verb: "note", noted: true } },
  ] as never);
  expect(await s.answers({ verb: "note", table: "unknown" })).toMatchObject([{ result: { noted: false } }]);
  expect(s.control.calls).toEqual(["note orders", "note unknown"]);
});

test("where nobody listens nothing is noted, and it is tried again", async () => {
  const { said, note } = asker();
  expect([await note("orders"), await note("orders", 2 ** 30)]).toEqual([false, false]);
  expect(said).toEqual([]);
});

test.skipIf(isElsewhere)(
  "it is found in its folder; a frozen one isn't waited for, nor asked again",
  async () => {
    const { said, note } = asker();
    const { pid, end } = await elsewhere();
    try {
      expect(await note("orders", pid)).toBe(true);
      process.kill(pid, "SIGSTOP");
      const answers = await Promise.all(["a", "b", "c", "d"].map((table) => note(table, pid)));
      expect(answers).toEqual([false, false, false, false]);
      expect(said).toContainEqual(expect.stringContaining("doesn't answer"));
      process.kill(pid, "SIGCONT");
      const already = said.length;
      expect([await note("orders", pid), said.length]).toEqual([false, already]);
    } finally {
      await end();
    }
  },
);

test.skipIf(isElsewhere)("one that is too old for it has noted nothing", async () => {
  const owned = ownTempFolder("note");
  const { code, message, exit } = refused("there is no such verb");
  const server = createServer((socket) =>
    socket.end(encode({ type: "error", error: { code, message, exit } })),
  );
  const before = process.cwd();
  try {
    process.chdir(owned.folder);
    await new Promise<void>((ready) => void server.listen("shop.sock", ready));
    const { said, note } = asker();
    expect(await note("orders")).toBe(false);
    expect(said).toEqual([expect.stringContaining("there is no such verb")]);
  } finally {
    process.chdir(before);
    server.close();
    await owned.remove();
  }
});
