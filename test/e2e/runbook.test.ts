/** The commands of the runbook and of the README, as they stand there and in their order, carried out on real servers. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { dynamo, type Outcome, type Running, scenario, someItems } from "./helpers.ts";
import { itemsByKey, startWriter } from "./writer.ts";

const ROOT = join(import.meta.dir, "../..");
const KEYS = 300;

/** The words behind `nimo-shake` of each command in a page's code blocks. */
function commandsOf(page: string): string[][] {
  return [...readFileSync(join(ROOT, page), "utf8").matchAll(/^ *```sh\n([^]*?)^ *```$/gm)]
    .flatMap(([, block]) => block!.split("\n"))
    .map((line) => line.replace(/ +#.*/, "").trim())
    .filter((line) => line.startsWith("nimo-shake "))
    .map((line) => line.split(/\s+/).slice(1));
}

test.each(["docs/runbook.md", "README.md"])(
  "%s: from the plan to the switch-over, with a writer until then",
  async (page) => {
    await using s = await scenario();
    const table = await s.table("orders", { gsi: { byN: ["n:N"] }, items: someItems(KEYS) });
    const settings = s.settings({ sync_mode: "all", "incr_sync.http_port": -1 });
    const commands = commandsOf(page);
    const isInitialised = commands.some(([command]) => command === "init");
    const conf = isInitialised ? join(s.folder, "shop.conf") : s.conf(settings);
    // Without a terminal nothing is asked.
    const answers = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    let writer: ReturnType<typeof startWriter> | undefined;
    let following: Running | undefined;
    const outcomes: Outcome[] = [];

    for (const words of commands) {
      const [command] = words;
      const args = words.map((word) => (word === "shop.conf" ? conf : word));
      if (command === "init" && !words.includes("--iam")) args.push("--yes", ...answers);
      if (command === "run") {
        writer = startWriter(s.dynamoEndpoint, table, KEYS, 11);
        following = s.start(args);
        await eventually(async () => {
          const status = await s.run(["status", "-c", conf, "--json"]);
          expect(JSON.parse(status.stdout)).toMatchObject({ running: true, phase: "incr" });
        });
        continue;
      }
      if (command === "switchover") await writer!.stop();
      const outcome = await s.run(args);
      expect({ words, ...outcome }).toMatchObject({ words, code: 0, stderr: "" });
      outcomes.push(outcome);
      if (command === "switchover") {
        const { code, stdout } = await following!.done;
        expect([code, stdout.includes("full sync done!")]).toEqual([0, true]);
        const items = await itemsByKey(s.dynamoEndpoint, table);
        const documents = await s.documents(table);
        const pairs = documents.map(({ pk, n }) => [String(pk), Number(n)] as const);
        const expected = [...items.values()].map(
          ({ pk, n }) => [text(pk, "S"), Number(text(n, "N"))] as const,
        );
        expect(new Map(pairs)).toEqual(new Map(expected));
        expect(pairs).toHaveLength(expected.length);
      }
    }

    expect(outcomes.length).toBe(commands.length - 1);
    if (!commands.some(([command]) => command === "clean")) return;
    // What is left is the copy and its source, without the stream that was enabled.
    const databases = (await s.client.db().admin().listDatabases({ nameOnly: true })).databases;
    const ours = databases.map(({ name }) => name).filter((name) => name.startsWith(s.id));
    expect(ours).toEqual([s.id]);
    expect(await s.collections()).toEqual([table]);
    const described = await dynamo(s.dynamoEndpoint, "DescribeTable", { TableName: table });
    expect(described["Table"]).not.toMatchObject({ StreamSpecification: { StreamEnabled: true } });
    expect(readdirSync(s.folder).filter((name) => name.startsWith(s.id))).toEqual([]);
  },
);

function text(value: object | undefined, type: "S" | "N"): string {
  return (value as Record<string, string>)[type]!;
}
