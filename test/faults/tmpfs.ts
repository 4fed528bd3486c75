/** A small disk in memory, where the machine allows one to be mounted. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const MEGABYTES = 48;

/** Disks that are mounted: they go with this process. */
const mounted = new Set<string>();

/** Whether one can be mounted: by root on Linux, who has the right. */
export function canMount(folder: string): boolean {
  if (!mountAt(folder)) return false;
  unmount(folder);
  return true;
}

/** Mounts one; false: it isn't allowed. */
export function mountAt(folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  const options = ["-t", "tmpfs", "-o", `size=${MEGABYTES}m,mode=700`, "nimo-shake-faults", folder];
  if (spawnSync("mount", options, { stdio: "ignore" }).status !== 0) return false;
  if (mounted.size === 0) process.once("exit", () => mounted.forEach(unmount));
  mounted.add(folder);
  return true;
}

/** Takes it away, with all that is on it. */
export function unmount(folder: string): void {
  if (!mounted.delete(folder)) return;
  // lazily: who has a file open on it keeps that file
  spawnSync("umount", ["-l", folder], { stdio: "ignore" });
}
