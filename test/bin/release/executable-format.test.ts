/** For which machine an executable is: real headers, and such as this machine doesn't make. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { describeExecutable } from "../../../bin/release/executable-format.ts";
import { archiveName, executableName, TARGETS } from "../../../bin/release/targets.ts";
import { canRun } from "../../../bin/release/try.ts";

/** An ELF file's header with one program header, the loader. */
function elf(machine: number, loader?: string): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.write("\x7fELF\x02", "latin1");
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(2, 56);
  bytes.writeUInt32LE(1, 64);
  if (loader === undefined) return bytes;
  bytes.writeUInt32LE(3, 120);
  bytes.writeBigUInt64LE(200n, 128);
  bytes.writeBigUInt64LE(BigInt(loader.length + 1), 152);
  bytes.write(`${loader}\0`, 200);
  return bytes;
}

/** A Mach-O file's header with load commands of 16 bytes. */
function machO(cpu: number, ...commands: number[]): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.writeUInt32LE(0xfeedfacf, 0);
  bytes.writeUInt32LE(cpu, 4);
  bytes.writeUInt32LE(commands.length, 16);
  for (const [i, command] of commands.entries()) {
    bytes.writeUInt32LE(command, 32 + 16 * i);
    bytes.writeUInt32LE(16, 36 + 16 * i);
  }
  return bytes;
}

function pe(machine: number): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.write("MZ", "latin1");
  bytes.writeUInt32LE(0x80, 0x3c);
  bytes.write("PE\0\0", 0x80, "latin1");
  bytes.writeUInt16LE(machine, 0x84);
  return bytes;
}

test.each<[Buffer, string]>([
  [elf(0x3e, "/lib64/ld-linux-x86-64.so.2"), "ELF x64 /lib64/ld-linux-x86-64.so.2"],
  [elf(0xb7, "/lib/ld-musl-aarch64.so.1"), "ELF arm64 /lib/ld-musl-aarch64.so.1"],
  [elf(0x3e), "ELF x64"],
  [elf(0xf3), "ELF 0xf3"],
  [machO(0x01000007, 0x19, 0x1d), "Mach-O x64 signed"],
  [machO(0x0100000c, 0x19), "Mach-O arm64"],
  [pe(0x8664), "PE x64"],
  [pe(0xaa64), "PE arm64"],
])("%#: a made header", (bytes, described) => {
  expect(describeExecutable(bytes)).toBe(described);
});

test.each<[string, Buffer]>([
  ["a script", Buffer.from("#!/bin/sh\n".padEnd(200))],
  ["one of 32 bits", Buffer.from("\x7fELF\x01".padEnd(200, "\0"), "latin1")],
  ["what is no PE behind its MZ", Buffer.from("MZ".padEnd(200, "\0"), "latin1")],
])("%s is none", (_, bytes) => {
  expect(() => describeExecutable(bytes)).toThrow("no executable");
});

test("what runs this test is for this machine", () => {
  const described = describeExecutable(readFileSync(process.execPath));
  expect(described).toContain(` ${process.arch}`);
  expect(canRun(described)).toBe(true);
});

test("another machine's, and one whose loader isn't here, can't be run", () => {
  expect(canRun(`ELF ${process.arch} /lib/ld-of-nobody.so.1`)).toBe(false);
  expect(canRun("ELF 0xf3")).toBe(false);
  expect(TARGETS.filter(({ format }) => canRun(format)).length).toBeLessThan(TARGETS.length);
});

describe("the targets", () => {
  test("differ in name, and in what Bun calls them", () => {
    expect(new Set(TARGETS.map(({ name }) => name)).size).toBe(TARGETS.length);
    expect(new Set(TARGETS.map(({ bun }) => bun)).size).toBe(TARGETS.length);
  });

  test("have archives as their systems open them", () => {
    const names = TARGETS.map((target) => `${archiveName(target, "1.2.3")} ${executableName(target)}`);
    expect(names).toContain("nimo-shake-1.2.3-linux-arm64-musl.tar.gz nimo-shake");
    expect(names).toContain("nimo-shake-1.2.3-darwin-arm64.tar.gz nimo-shake");
    expect(names).toContain("nimo-shake-1.2.3-windows-x64.zip nimo-shake.exe");
  });
});
