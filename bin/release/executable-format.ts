/** For which machine an executable is, as its header says. */

const ELF = 0x464c457f;
const MACH_O = 0xfeedfacf;
const PE = 0x00004550;

const ELF_MACHINES: Readonly<Record<number, string>> = { 0x3e: "x64", 0xb7: "arm64" };
const MACH_O_MACHINES: Readonly<Record<number, string>> = { 0x01000007: "x64", 0x0100000c: "arm64" };
const PE_MACHINES: Readonly<Record<number, string>> = { 0x8664: "x64", 0xaa64: "arm64" };

const PROGRAM_INTERPRETER = 3;
const CODE_SIGNATURE = 0x1d;

/**
 * Format and machine, and what starts it (Linux: the loader, which differs from libc to libc; macOS: whether it is
 * signed, without which arm64 refuses it).
 *
 * @throws Error when it is none of the three, or cut off
 */
export function describeExecutable(bytes: Buffer): string {
  const magic = bytes.readUInt32LE(0);
  if (magic === ELF && bytes[4] === 2)
    return `ELF ${machine(ELF_MACHINES, bytes.readUInt16LE(18))}${interpreter(bytes)}`;
  if (magic === MACH_O) {
    const signed = hasLoadCommand(bytes, CODE_SIGNATURE) ? " signed" : "";
    return `Mach-O ${machine(MACH_O_MACHINES, bytes.readUInt32LE(4))}${signed}`;
  }
  if (bytes.toString("latin1", 0, 2) === "MZ") {
    const at = bytes.readUInt32LE(0x3c);
    if (bytes.readUInt32LE(at) === PE) return `PE ${machine(PE_MACHINES, bytes.readUInt16LE(at + 4))}`;
  }
  throw new Error("no executable of Linux, macOS or Windows of 64 bits");
}

function machine(names: Readonly<Record<number, string>>, code: number): string {
  return names[code] ?? `0x${code.toString(16)}`;
}

/** The loader that an ELF file asks for; none: it is linked statically. */
function interpreter(bytes: Buffer): string {
  const size = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  for (let i = 0, at = Number(bytes.readBigUInt64LE(32)); i < count; i++, at += size) {
    if (bytes.readUInt32LE(at) !== PROGRAM_INTERPRETER) continue;
    const from = Number(bytes.readBigUInt64LE(at + 8));
    const length = Number(bytes.readBigUInt64LE(at + 32));
    return ` ${bytes.toString("latin1", from, from + length - 1)}`;
  }
  return "";
}

function hasLoadCommand(bytes: Buffer, wanted: number): boolean {
  const count = bytes.readUInt32LE(16);
  for (let i = 0, at = 32; i < count; i++, at += bytes.readUInt32LE(at + 4))
    if (bytes.readUInt32LE(at) === wanted) return true;
  return false;
}
