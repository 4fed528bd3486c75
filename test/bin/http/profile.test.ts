/** The port for profiles. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { serveProfile } from "../../../bin/http/profile.ts";

setDefaultTimeout(180_000);

const quiet = { warn: () => {} };

describe("the profiling port", () => {
  test("gives figures, a CPU profile and a heap snapshot", async () => {
    const server = (await serveProfile({ host: "127.0.0.1", port: 0, log: quiet }))!;
    const at = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);
    try {
      const stats = (await (await at("/debug/pprof/stats")).json()) as Record<string, unknown>;
      expect(JSON.stringify(stats)).toMatch(/rss/i);
      const profile = (await (await at("/debug/pprof/profile?seconds=1")).json()) as { nodes: unknown[] };
      expect(profile.nodes.length).toBeGreaterThan(0);
      const heap = await at("/debug/pprof/heap");
      expect(heap.status).toBe(200);
      expect((await heap.text()).length).toBeGreaterThan(1000);
      expect((await at("/elsewhere")).status).toBe(404);
    } finally {
      await server.close();
    }
  });

  test("is closed with -1", async () => {
    expect(await serveProfile({ host: "127.0.0.1", port: -1, log: quiet })).toBeUndefined();
  });
});
