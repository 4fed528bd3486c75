/** Archives: what other programs find in them, and that the same files make the same bytes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArchiveFile, pack } from "../../../bin/release/archive.ts";
import { ROOT } from "../../../bin/release/made-from.ts";

const TIME = new Date("2024-11-27T21:30:10Z");
const FILES: ArchiveFile[] = [
  { name: "top/nimo-shake", data: Buffer.from("#!/bin/sh\n"), executable: true },
  { name: "top/completions/_nimo-shake", data: Buffer.alloc(100_000, "a") },
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-shake-archive-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ["a.tar.gz", (file: string, to: string) => ["tar", "-xzf", file, "-C", to]],
  ["a.zip", (file: string, to: string) => ["python3", "-m", "zipfile", "-e", file, to]],
])("%s", (name, unpack) => {
  const [program] = unpack("", "");

  test.skipIf(Bun.which(program!) === null)("is unpacked by others", () => {
    const file = join(folder, name);
    const to = mkdtempSync(join(folder, "to-"));
    writeFileSync(file, pack(name, FILES, TIME));
    const { exitCode, stderr } = Bun.spawnSync(unpack(file, to));
    expect({ exitCode, said: stderr.toString() }).toEqual({ exitCode: 0, said: "" });
    for (const { name: path, data } of FILES) expect(readFileSync(join(to, path)).equals(data)).toBe(true);
    if (!name.endsWith(".tar.gz")) return;
    const [run, read] = FILES.map((each) => statSync(join(to, each.name)));
    expect([run!.mode & 0o777, read!.mode & 0o777]).toEqual([0o755, 0o644]);
    expect(run!.mtimeMs).toBe(TIME.getTime());
  });

  test("is small where its files repeat themselves", () => {
    expect(pack(name, FILES, TIME).byteLength).toBeLessThan(1500);
  });

  test("may be of a time before the format", () => {
    expect(pack(name, FILES, new Date(0)).byteLength).toBeGreaterThan(100);
  });

  test("is the same in every time zone, and whenever it is made", () => {
    const script = `
      const { pack } = await import("${ROOT}/bin/release/archive.ts");
      const files = [{ name: "a", data: Buffer.from("a"), executable: true }];
      process.stdout.write(pack("${name}", files, new Date("${TIME.toISOString()}")));
    `;
    const [here, there] = ["Asia/Shanghai", "America/New_York"].map((TZ) => {
      const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { env: { ...process.env, TZ } });
      return stdout.toString("hex");
    });
    expect(here!.length).toBeGreaterThan(100);
    expect(there).toBe(here!);
  });
});
