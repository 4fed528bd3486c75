/** What becomes of what a registry says about the packages in bun.lock. */
import { describe, expect, test } from "bun:test";
import { audit, type Verdict } from "../../../bin/release/audit.ts";

const url = "https://github.com/advisories/GHSA-0000-0000-0000";
const advisory = { id: 1, url, title: "reads too much", severity: "high", vulnerable_versions: "<99" };

/** Audits with a registry that answers so. */
async function audited(answer: () => Response, explained?: Record<string, string>): Promise<Verdict> {
  const registry = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  try {
    const address = `http://127.0.0.1:${registry.port}/`;
    const env = { ...process.env, BUN_CONFIG_REGISTRY: address, npm_config_registry: address };
    return await audit(env, explained);
  } finally {
    await registry.stop(true);
  }
}

describe("an audit", () => {
  test("without a finding passes", async () => {
    const { exit, lines } = await audited(() => Response.json({}));
    expect([exit, lines]).toEqual([0, ["0 findings, 0 of them not explained in bin/release/audit.ts"]]);
  });

  test("with one fails, and says which", async () => {
    const { exit, lines } = await audited(() => Response.json({ mongodb: [advisory] }));
    expect(exit).toBe(1);
    expect(lines).toEqual([
      `high: mongodb <99, reads too much, ${url}`,
      "1 findings, 1 of them not explained in bin/release/audit.ts",
    ]);
  });

  test("with one that is explained passes, and says why", async () => {
    const explained = { [url]: "nothing of it is called" };
    const { exit, lines } = await audited(() => Response.json({ mongodb: [advisory] }), explained);
    expect([exit, lines[0]]).toEqual([
      0,
      `high: mongodb <99, reads too much, ${url}: nothing of it is called`,
    ]);
  });

  test("that the registry has no answer to is said, and fails nothing", async () => {
    const { exit, lines } = await audited(() => new Response("no", { status: 405 }));
    expect([exit, lines]).toEqual([
      0,
      ["not audited, the registry doesn't tell: error: POST the registry - 405"],
    ]);
  });
});
