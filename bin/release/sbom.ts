/**
 * What the executable is made of, as a CycloneDX document: `bun run sbom`. Of the packages in bun.lock those count of
 * which a module is compiled in, and Bun itself, which the executable is an extension of. The same sources give the same
 * bytes.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Contrib, Enums, Models, Serialize, Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import parseExpression from "spdx-expression-parse";
import { compiledPackages } from "./compiled-packages.ts";

const ROOT = join(import.meta.dirname, "../..");
const WRITTEN = join(ROOT, "dist/nimo-shake.cdx.json");
const SECOND = 1000;

const { Builders, Factories } = Contrib.FromNodePackageJson;
const builder = new Builders.ComponentBuilder(
  new Factories.ExternalReferenceFactory(),
  new Contrib.License.Factories.LicenseFactory(parseExpression),
);

/**
 * The document's text, which is checked against the schema of CycloneDX 1.6.
 *
 * @throws Error when it isn't as the schema says
 */
export async function sbom(): Promise<string> {
  const own = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;
  const application = componentOf(own, Enums.ComponentType.Application);
  const runtime = new Models.Component(Enums.ComponentType.Platform, "bun", { version: Bun.version });
  runtime.licenses.add(new Models.SpdxLicense("MIT"));
  named(runtime, new PackageURL("github", "oven-sh", "bun", `bun-v${Bun.version}`, undefined, undefined));

  const packages = await compiledPackages(ROOT);
  const components = new Map<string, Models.Component>();
  const distinct = new Map<string, Models.Component>();
  for (const { path, manifest, sha512 } of packages) {
    const made = componentOf(manifest, Enums.ComponentType.Library);
    made.hashes.set(Enums.HashAlgorithm["SHA-512"], sha512);
    // One version of a package may be in several folders.
    const component = distinct.get(made.purl!) ?? made;
    distinct.set(made.purl!, component);
    components.set(path, component);
  }
  for (const { path, imports } of packages) {
    for (const each of imports) components.get(path)!.dependencies.add(components.get(each)!.bomRef);
  }
  for (const { path, isDirect } of packages) {
    if (isDirect) application.dependencies.add(components.get(path)!.bomRef);
  }
  application.dependencies.add(runtime.bomRef);

  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: application, ...buildTime() }),
    components: new Models.ComponentRepository([runtime, ...distinct.values()]),
  });
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const text = new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 });
  const problem = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (problem !== null) throw new Error(`no CycloneDX document: ${JSON.stringify(problem)}`);
  return `${text}\n`;
}

function componentOf(manifest: object, type: Enums.ComponentType): Models.Component {
  const component = builder.makeComponent(manifest, type);
  if (component?.version === undefined) throw new Error(`no package: ${JSON.stringify(manifest)}`);
  const { group, name, version } = component;
  return named(component, new PackageURL("npm", group, name, version, undefined, undefined));
}

/** Under its package URL it is spoken of within the document, too. */
function named(component: Models.Component, url: PackageURL): Models.Component {
  component.purl = url.toString();
  component.bomRef.value = component.purl;
  return component;
}

/** Only where it is given: the clock would make each document another one. */
function buildTime(): { timestamp?: Date } {
  const seconds = process.env["SOURCE_DATE_EPOCH"];
  return seconds === undefined ? {} : { timestamp: new Date(Number(seconds) * SECOND) };
}

if (import.meta.main) {
  mkdirSync(dirname(WRITTEN), { recursive: true });
  writeFileSync(WRITTEN, await sbom());
}
