/** What the SBOM says is what is compiled in, and what was fetched. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sbom } from "../../../bin/release/sbom.ts";

const ROOT = join(import.meta.dirname, "../../..");

interface Component {
  name: string;
  group?: string;
  version: string;
  "bom-ref": string;
  licenses?: object[];
  hashes?: { content: string }[];
}
interface Document {
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

const text = await sbom();
const document = JSON.parse(text) as Document;
const fullName = ({ group, name }: Component): string => (group === undefined ? name : `${group}/${name}`);

describe("the SBOM", () => {
  test("has every dependency, what they bring, the page's library and Bun; nothing that only tests or builds", () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(ROOT, "package.json"), "utf8"),
    ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
    const names = new Set(document.components.map(fullName));
    expect(Object.keys(dependencies).filter((name) => !names.has(name))).toEqual([]);
    // The SDK brings the first one of itself.
    const both = Object.keys(devDependencies).filter((name) => names.has(name));
    expect(both).toEqual(["@smithy/types", "uplot"]);
    expect([names.has("bson"), names.has("bun")]).toEqual([true, true]);
  });

  test("names of each its licence, and the checksum that bun.lock has", () => {
    const lock = readFileSync(join(ROOT, "bun.lock"), "utf8");
    for (const component of document.components) {
      expect([component.name, component.licenses?.length ?? 0]).toEqual([component.name, 1]);
      if (component.name === "bun") continue;
      const base64 = Buffer.from(component.hashes![0]!.content, "hex").toString("base64");
      const line = lock.split("\n").find((each) => each.includes(`sha512-${base64}`));
      expect(line).toContain(`["${fullName(component)}@${component.version}"`);
    }
  });

  test("says who needs whom, from the application down to each", () => {
    const needs = new Map(document.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
    const reached = new Set<string>();
    const reach = (ref: string): void => {
      if (reached.has(ref)) return;
      reached.add(ref);
      needs.get(ref)!.forEach(reach);
    };
    reach(document.metadata.component["bom-ref"]);
    const all = document.components.map((component) => component["bom-ref"]);
    expect(all.filter((ref) => !reached.has(ref))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
  });

  test("is the same each time, and names no folder of a machine", async () => {
    expect(await sbom()).toBe(text);
    expect(text).not.toContain(ROOT);
  });
});
