/** Where it is deployed: what these files name has to be there, in the product and among themselves. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { YAML } from "bun";
import { Job } from "kubernetes-models/batch/v1/Job";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";
import { createCommandLine } from "../../bin/commands/all.ts";
import { DEFAULTS, SETTINGS } from "../../core/config/settings.ts";
import pkg from "../../package.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "../..");
const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");

const VARIABLES = new Set(SETTINGS.map(({ env }) => env));
const COMMANDS = new Set(createCommandLine().commands.map(({ name }) => name));
/** The ports that a run listens on. */
const PORTS = [DEFAULTS["full_sync.http_port"], DEFAULTS["incr_sync.http_port"]].map(Number).toSorted();
/** Bun's version, which decides what is built. */
const BUN = /^version=(.+)$/m.exec(textOf(".ci/run"))![1]!;

const unknown = (env: object): string[] => Object.keys(env).filter((name) => !VARIABLES.has(name));

describe("Dockerfile", () => {
  const text = textOf("Dockerfile");
  const lines = text.split("\n");
  const image = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));

  test("the image has the executable, a folder to write in, and another user than root", () => {
    expect(image[0]).toMatch(/^FROM \S+:nonroot$/);
    expect(image.filter((line) => /^(COPY|ADD|RUN)/.test(line))).toEqual([
      "COPY --from=build /made/nimo-shake /usr/local/bin/nimo-shake",
      "COPY --from=build --chown=65532:65532 /made/work /work",
    ]);
    expect(image).toContain('ENTRYPOINT ["/usr/local/bin/nimo-shake"]');
    expect(image).toContain("WORKDIR /work");
    expect(image).toContain(`EXPOSE ${PORTS.join(" ")}`);
  });

  test("it is built by the Bun that everything else is built by", () => {
    expect(text).toContain(`FROM --platform=$BUILDPLATFORM oven/bun:${BUN} AS build`);
  });

  test.skipIf(Bun.which("hadolint") === null)("hadolint finds no fault", () => {
    const { stdout, exitCode } = Bun.spawnSync(["hadolint", join(ROOT, "Dockerfile")]);
    expect({ exitCode, said: stdout.toString() }).toEqual({ exitCode: 0, said: "" });
  });
});

describe("compose.yaml", () => {
  interface Service {
    build?: string;
    image?: string;
    depends_on?: string[] | Record<string, { condition: string }>;
    environment?: Record<string, string>;
    ports?: string[];
    volumes?: string[];
    healthcheck?: object;
  }
  const { services, volumes } = YAML.parse(textOf("compose.yaml")) as {
    services: Record<string, Service>;
    volumes: object;
  };
  const tool = services["nimo-shake"]!;

  test("its services wait for each other, and for what can be waited for", () => {
    for (const { depends_on: waited = {} } of Object.values(services))
      for (const name of Array.isArray(waited) ? waited : Object.keys(waited)) {
        expect(Object.keys(services)).toContain(name);
        const { condition } = Array.isArray(waited) ? { condition: "" } : waited[name]!;
        if (condition === "service_healthy") expect(services[name]!.healthcheck).toBeDefined();
      }
  });

  test("nimo-shake is built from here, and given keys that there are", () => {
    expect(tool.build).toBe(".");
    expect(unknown(tool.environment!)).toEqual([]);
    expect(tool.volumes).toEqual(["work:/work"]);
    expect(Object.keys(volumes)).toEqual(["work"]);
  });

  test("both sides are services of it", () => {
    for (const name of ["NIMO_SOURCE_ENDPOINT_URL", "NIMO_TARGET_ADDRESS"])
      expect(Object.keys(services)).toContain(new URL(tool.environment![name]!).hostname);
  });

  test("its ports are for this machine alone", () => {
    expect(tool.ports!.toSorted()).toEqual(PORTS.map((port) => `127.0.0.1:${port}:${port}`));
    const others = Object.entries(services).filter(([name]) => name !== "nimo-shake");
    expect(others.flatMap(([, { ports = [] }]) => ports)).toEqual([]);
  });
});

describe("examples/kubernetes/migration.yaml", () => {
  const SCHEMAS = { Secret, ConfigMap, PersistentVolumeClaim, Job, Service };
  const objects = YAML.parse(textOf("examples/kubernetes/migration.yaml")) as {
    kind: keyof typeof SCHEMAS;
    [key: string]: unknown;
  }[];
  const job = objects.find(({ kind }) => kind === "Job") as unknown as {
    spec: { template: { spec: PodSpec } };
  };
  interface PodSpec {
    securityContext: { runAsUser: number };
    containers: [Container];
    volumes: { persistentVolumeClaim: { claimName: string } }[];
  }
  interface Container {
    image: string;
    args: string[];
    envFrom: Record<string, { name: string }>[];
    ports: { name: string; containerPort: number }[];
    livenessProbe: { httpGet: { port: string } };
    readinessProbe: { httpGet: { port: string } };
    volumeMounts: { mountPath: string }[];
  }
  const pod = job.spec.template.spec;
  const [container] = pod.containers;

  test.each(objects.map((object) => [object.kind, object] as const))(
    "%s is as its schema says",
    (kind, object) => {
      expect(Object.keys(SCHEMAS)).toContain(kind);
      const Kind = SCHEMAS[kind] as new (data: object) => { validate(): void };
      expect(() => new Kind(object).validate()).not.toThrow();
      expect(() => new Kind({ ...object, metadata: 1 }).validate()).toThrow();
    },
  );

  test("what the pod takes from others is there", () => {
    const names = objects.map(({ kind, metadata }) => `${kind} ${(metadata as { name: string }).name}`);
    const taken = container.envFrom.flatMap(({ configMapRef, secretRef }) => [
      ...(configMapRef ? [`ConfigMap ${configMapRef.name}`] : []),
      ...(secretRef ? [`Secret ${secretRef.name}`] : []),
    ]);
    expect(taken).toHaveLength(2);
    const claims = pod.volumes.map(
      (volume) => `PersistentVolumeClaim ${volume.persistentVolumeClaim.claimName}`,
    );
    expect([...taken, ...claims].filter((name) => !names.includes(name))).toEqual([]);
  });

  test("every variable is a key's, and secrets are in the Secret", () => {
    const given = (kind: string, field: string): Record<string, string> =>
      objects.find((object) => object.kind === kind)![field] as Record<string, string>;
    const [open, secret] = [given("ConfigMap", "data"), given("Secret", "stringData")];
    expect(unknown({ ...open, ...secret })).toEqual([]);
    expect(Object.keys(open).filter((name) => /SECRET|TOKEN|ACCESS_KEY|ADDRESS/.test(name))).toEqual([]);
    expect(open["NIMO_HTTP_HOST"]).toBe("0.0.0.0");
  });

  test("user, folder, version and command are the image's", () => {
    expect(pod.securityContext.runAsUser).toBe(65532);
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(["/work"]);
    expect(container.image).toEndWith(`:${pkg.version}`);
    expect(container.args.filter((word) => !COMMANDS.has(word))).toEqual([]);
  });

  test("probes ask a port that is open", () => {
    expect(container.ports.map(({ containerPort }) => containerPort).toSorted()).toEqual(PORTS);
    const names = container.ports.map(({ name }) => name);
    for (const { httpGet } of [container.livenessProbe, container.readinessProbe])
      expect(names).toContain(httpGet.port);
  });
});

describe("examples/systemd/nimo-shake.service", () => {
  const text = textOf("examples/systemd/nimo-shake.service");

  test("starts a command, and doesn't start again what would be refused again", () => {
    const [, command] = /^ExecStart=\/usr\/local\/bin\/nimo-shake (\w+) -c \S+$/m.exec(text)!;
    expect(COMMANDS).toContain(command!);
    expect(text).toMatch(/^RestartPreventExitStatus=2$/m);
    expect(text).toMatch(/^SuccessExitStatus=143$/m);
  });

  test("the command that looks on has the service's user, folder and secrets", () => {
    const own = (name: string): string => new RegExp(`^${name}=(.+)$`, "m").exec(text)![1]!;
    const command = text
      .split("\n")
      .filter((line) => line.startsWith("#  "))
      .join(" ");
    expect(command).toContain(`--uid=${own("User")} `);
    for (const name of ["EnvironmentFile", "WorkingDirectory"])
      expect(command).toContain(`-p ${name}=${own(name)} `);
    expect(command).toContain(own("ExecStart").replace(" run ", " status "));
  });

  test.skipIf(Bun.which("systemd-analyze") === null)("systemd-analyze finds no fault", () => {
    // The executable and its manual page aren't installed here.
    const here = text
      .replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`)
      .replace(/^Documentation=.*$/m, "");
    const folder = mkdtempSync(join(tmpdir(), "nimo-shake-unit-"));
    try {
      const file = join(folder, "nimo-shake.service");
      writeFileSync(file, here);
      const { stderr, exitCode } = Bun.spawnSync(["systemd-analyze", "verify", "--man=no", file]);
      expect({ exitCode, said: stderr.toString() }).toEqual({ exitCode: 0, said: "" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe(".github/workflows", () => {
  const files = ["ci.yml", "release.yml"].map((name) => `.github/workflows/${name}`);

  test.each(files)(
    "%s: actions are named by their commits, and nothing has more rights than it says",
    (file) => {
      const text = textOf(file);
      const used = [...text.matchAll(/uses: (\S+)/g)].map(([, name]) => name!);
      expect(used.filter((name) => !/^actions\/[\w-]+@[0-9a-f]{40}$/.test(name))).toEqual([]);
      expect(text).toMatch(/^permissions:/m);
      const { jobs } = YAML.parse(text) as {
        jobs: Record<string, { needs?: string; "timeout-minutes": number }>;
      };
      for (const { needs, "timeout-minutes": limit } of Object.values(jobs)) {
        expect(limit).toBeGreaterThan(0);
        if (needs !== undefined) expect(Object.keys(jobs)).toContain(needs);
      }
    },
  );

  test("the release is made by the Bun that everything else is built by", () => {
    const versions = [...textOf(files[1]!).matchAll(/bun@(\S+)/g)].map(([, version]) => version);
    expect(new Set(versions)).toEqual(new Set([BUN]));
  });

  // jq is on the runner.
  test.skipIf(Bun.which("jq") === null).each<[string, object, string]>([
    ["names its repository", { repository: { type: "git", url: "git+https://github.com/o/n.git" } }, "true"],
    ["names it in one word", { repository: "github:o/n" }, "true"],
    ["names none", {}, "false"],
  ])("npm gets provenance only where package.json names its repository: it %s", (_, pkg, provenance) => {
    const { jobs } = YAML.parse(textOf(files[1]!)) as { jobs: { npm: { steps: { run?: string }[] } } };
    const publish = jobs.npm.steps.find(({ run }) => run?.includes(" publish "))!.run!;
    const folder = mkdtempSync(join(tmpdir(), "nimo-shake-npm-"));
    try {
      mkdirSync(join(folder, "package"));
      writeFileSync(join(folder, "package/package.json"), JSON.stringify(pkg));
      Bun.spawnSync(["tar", "-czf", "nimo-shake-1.2.3.tgz", "package"], { cwd: folder });
      writeFileSync(join(folder, "npx"), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
      // as the runner runs it
      const { stdout, exitCode } = Bun.spawnSync(["bash", "-e", "-c", publish], {
        cwd: folder,
        env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}` },
      });
      const said = stdout.toString();
      expect(exitCode).toBe(0);
      expect(said).toContain(`publish ./nimo-shake-1.2.3.tgz --provenance=${provenance} --access public`);
      expect(said.includes("::warning::")).toBe(provenance === "false");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
