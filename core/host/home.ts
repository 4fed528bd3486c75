/** The user's home folder, where others look for their files. */
import { homedir } from "node:os";

/**
 * Gives a home to who has none: a container's user of whom the system knows nothing, without HOME. The AWS SDK looks there for
 * its files, and fails each call where nobody can say where that is. The root is what container engines give such a user.
 */
export function ensureHome(
  env: Record<string, string | undefined> = process.env,
  home: () => string = homedir,
): void {
  if (env["HOME"]) return;
  try {
    home();
  } catch {
    env["HOME"] = "/";
  }
}
