/** What a release has executables for. */

/** A kind of machine. */
export interface Target {
  /** As archives are named after it, and `-version` says it. */
  name: string;
  /** As `bun build --target` calls it. */
  bun: string;
  /** As `describeExecutable` finds it. */
  format: string;
}

/**
 * All of them. Bun's own x64 builds take a processor with AVX2 (2013); `baseline` is for those that have none, and for
 * virtual machines that hide it.
 */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", bun: "bun-linux-x64", format: "ELF x64 /lib64/ld-linux-x86-64.so.2" },
  {
    name: "linux-x64-baseline",
    bun: "bun-linux-x64-baseline",
    format: "ELF x64 /lib64/ld-linux-x86-64.so.2",
  },
  { name: "linux-x64-musl", bun: "bun-linux-x64-musl", format: "ELF x64 /lib/ld-musl-x86_64.so.1" },
  { name: "linux-arm64", bun: "bun-linux-arm64", format: "ELF arm64 /lib/ld-linux-aarch64.so.1" },
  { name: "linux-arm64-musl", bun: "bun-linux-arm64-musl", format: "ELF arm64 /lib/ld-musl-aarch64.so.1" },
  { name: "darwin-x64", bun: "bun-darwin-x64", format: "Mach-O x64 signed" },
  { name: "darwin-arm64", bun: "bun-darwin-arm64", format: "Mach-O arm64 signed" },
  { name: "windows-x64", bun: "bun-windows-x64", format: "PE x64" },
];

/**
 * The one of a name; container tools say amd64 for x64.
 *
 * @throws Error when there is none
 */
export function targetNamed(name: string): Target {
  const found = TARGETS.find((target) => target.name === name.replace("amd64", "x64"));
  if (found !== undefined) return found;
  throw new Error(`no executable ${name}: ${TARGETS.map((target) => target.name).join(", ")}`);
}

/** The name of its executable. */
export function executableName({ name }: Target): string {
  return name.startsWith("windows") ? "nimo-shake.exe" : "nimo-shake";
}

/** The name of its archive; Windows opens zip files by itself. */
export function archiveName({ name }: Target, version: string): string {
  return `nimo-shake-${version}-${name}${name.startsWith("windows") ? ".zip" : ".tar.gz"}`;
}
