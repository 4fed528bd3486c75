/** The command `status --watch` as a process: it ends when it is told to, whatever hangs. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cliCommand } from "../../cli.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(60_000);

test("a signal ends it at once, also while its checkpoint doesn't answer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-watch-"));
  const asked = Promise.withResolvers<void>();
  const silent = createServer((socket) => {
    socket.on("data", () => asked.resolve());
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const conf = join(folder, "a.conf");
  const lines = ["id = shop", "conf.version = 4", `target.address = mongodb://127.0.0.1:${port}`];
  writeFileSync(conf, lines.map((line) => `${line}\n`).join(""));
  const env = { PATH: process.env.PATH ?? "", HOME: folder };
  const cli = Bun.spawn([...cliCommand(folder), "status", "--watch", "-c", conf], {
    cwd: folder,
    env,
    stdout: "pipe",
    stderr: "pipe",
  });
  try {
    await asked.promise;
    const began = performance.now();
    cli.kill("SIGTERM");
    expect(await cli.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(3000);
    expect(await new Response(cli.stderr).text()).toBe("");
  } finally {
    cli.kill("SIGKILL");
    silent.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
