/**
 * `bun run audit`: known weaknesses of what bun.lock has, as the package registry tells them. A finding fails unless it is
 * explained here; a registry that can't answer, such as a mirror without that service, is said and fails nothing.
 */

/** Why a finding does no harm here, by its address. Each goes with the package's next version that is without it. */
const EXPLAINED: Readonly<Record<string, string>> = {};

/** A registry that can't be reached is tried again and again, in ms. */
const PATIENCE = 60_000;

/** What the registry says of one version of a package; more members are left alone. */
interface Advisory {
  url: string;
  title: string;
  severity: string;
  vulnerable_versions: string;
}

/** What is said, and the exit code. */
export interface Verdict {
  lines: string[];
  exit: 0 | 1;
}

/**
 * Asks the registry.
 *
 * @param env for the package manager, default: this process's
 * @param explained default: those of this file
 */
export async function audit(
  env: Readonly<Record<string, string | undefined>> = process.env,
  explained: Readonly<Record<string, string>> = EXPLAINED,
): Promise<Verdict> {
  const asked = Bun.spawn([process.execPath, "audit", "--json"], {
    cwd: `${import.meta.dirname}/../..`,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: PATIENCE,
  });
  const [stdout, stderr] = await Promise.all([
    new Response(asked.stdout).text(),
    new Response(asked.stderr).text(),
    asked.exited,
  ]);
  const found = parsed(stdout);
  if (found === undefined) {
    // Its address may have a token in it.
    const why = stderr.trim().replaceAll(/https?:\S+/g, "the registry");
    return { lines: [`not audited, the registry doesn't tell: ${why}`], exit: 0 };
  }
  const all = Object.entries(found).flatMap(([name, advisories]) =>
    advisories.map((advisory) => ({ name, advisory, why: explained[advisory.url] })),
  );
  const lines = all.map(({ name, advisory: { url, title, severity, vulnerable_versions }, why }) =>
    [`${severity}: ${name} ${vulnerable_versions}, ${title}, ${url}`, why].filter(Boolean).join(": "),
  );
  const open = all.filter(({ why }) => why === undefined).length;
  lines.push(`${all.length} findings, ${open} of them not explained in bin/release/audit.ts`);
  return { lines, exit: open === 0 ? 0 : 1 };
}

function parsed(text: string): Record<string, Advisory[]> | undefined {
  try {
    return JSON.parse(text) as Record<string, Advisory[]>;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const { lines, exit } = await audit();
  console.log(lines.join("\n"));
  process.exitCode = exit;
}
