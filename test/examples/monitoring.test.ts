/** What watches a migration asks for metrics and labels that there are, and docs/monitoring.md lists them all. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { YAML } from "bun";
import { FAMILIES } from "../../bin/http/metrics/metrics.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "examples/monitoring");

/** Labels that Prometheus adds to whatever it scrapes. */
const SCRAPED = ["job", "instance"];
/** What is no metric in an expression. */
const WORDS = new Set(
  "absent and by humanize increase job max max_over_time min min_over_time offset on or rate sum time topk".split(
    " ",
  ),
);

const labelsOf = new Map<string, readonly string[]>([
  ["up", []],
  ...FAMILIES.map(({ name, labels }) => [name, labels] as const),
]);

/** What an expression asks for: selectors, and the labels that its result has. */
interface Query {
  selectors: { metric: string; labels: string[] }[];
  kept: string[];
}

/** Takes an expression apart; fails where it names a metric that isn't there. */
function parse(expr: string): Query {
  const selectors: Query["selectors"] = [];
  const kept: string[] = [];
  const rest = expr
    .replaceAll(/\b(?:by|on) \(([^)]*)\)/g, (_, list: string) => {
      kept.push(...list.split(",").map((label) => label.trim()));
      return " ";
    })
    .replaceAll(/([a-z_]+)\{([^}]*)\}/g, (_, metric: string, matchers: string) => {
      const labels = [...matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"[^"]*"/g)].map(
        ([, label]) => label!,
      );
      selectors.push({ metric, labels });
      return " ";
    })
    .replaceAll(/\[[^\]]*\]|\b\d+(?:e\d+|[smhd])?\b/g, " ");
  for (const [word] of rest.matchAll(/[a-z_]+/g)) {
    if (!WORDS.has(word)) selectors.push({ metric: word, labels: [] });
  }
  return { selectors, kept };
}

/** The labels that a query names and nothing has. */
function unknownLabels({ selectors, kept }: Query): string[] {
  const known = selectors.flatMap(({ metric }) => [...(labelsOf.get(metric) ?? []), ...SCRAPED]);
  return [
    ...selectors.flatMap(({ metric, labels }) =>
      labels
        .filter((label) => ![...(labelsOf.get(metric) ?? []), ...SCRAPED].includes(label))
        .map((label) => `${metric}{${label}}`),
    ),
    ...kept.filter((label) => !known.includes(label)),
  ];
}

/** The labels that a text about a query's result may name. */
function resultLabels({ selectors, kept }: Query): string[] {
  if (kept.length > 0) return kept;
  return selectors.flatMap(({ metric }) => [...(labelsOf.get(metric) ?? []), ...SCRAPED]);
}

function check(expr: string): Query {
  const query = parse(expr);
  expect(query.selectors.length).toBeGreaterThan(0);
  expect(query.selectors.map(({ metric }) => metric).filter((metric) => !labelsOf.has(metric))).toEqual([]);
  expect(unknownLabels(query)).toEqual([]);
  return query;
}

interface Panel {
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; legendFormat: string }[];
}
const dashboard = JSON.parse(readFileSync(join(FOLDER, "grafana-dashboard.json"), "utf8")) as {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
};

interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}
const alerts = YAML.parse(readFileSync(join(FOLDER, "alerts.yml"), "utf8")) as {
  groups: { rules: Rule[] }[];
};
const RULES = alerts.groups.flatMap(({ rules }) => rules);

test("a metric or a label that isn't there is found", () => {
  const wrong = parse('sum by (code) (rate(nimoshake_item_total{shard="a"}[5m])) > nimoshake_paused');
  expect(wrong.selectors.map(({ metric }) => metric)).toEqual(["nimoshake_item_total", "nimoshake_paused"]);
  expect(unknownLabels(wrong)).toEqual(["nimoshake_item_total{shard}", "code"]);
});

describe("the dashboard", () => {
  const panels = dashboard.panels.filter(({ type }) => type !== "row");

  test.each(panels.map((panel) => [panel.title, panel] as const))("%s", (_, { targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr, legendFormat } of targets) {
      const labels = resultLabels(check(expr));
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
      expect(named.filter((label) => !labels.includes(label))).toEqual([]);
    }
  });

  test("its variables are labels that there are, and all are used", () => {
    const text = JSON.stringify(dashboard.panels);
    for (const { name, definition } of dashboard.templating.list) {
      expect(text).toContain(`$${name === "datasource" ? "{datasource}" : name}`);
      if (definition === undefined) continue;
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(definition)!;
      expect(resultLabels(check(selector!))).toContain(label!);
    }
  });

  test("shows every metric but for a few", () => {
    const shown = new Set(
      panels
        .flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => parse(expr).selectors))
        .map(({ metric }) => metric),
    );
    const hidden = FAMILIES.map(({ name }) => name).filter((name) => !shown.has(name));
    expect(hidden).toEqual([
      "nimoshake_start_timestamp_seconds",
      "nimoshake_table_size_bytes",
      "process_start_time_seconds",
    ]);
  });

  test("no panel lies on another", () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, x < 24 && !taken.has(`${x} ${y}`)]).toEqual([title, true]);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});

describe("the alerts", () => {
  test.each(RULES.map((rule) => [rule.alert, rule] as const))("%s", (_, { expr, annotations }) => {
    const labels = resultLabels(check(expr));
    expect(annotations["summary"]).toBeString();
    for (const text of Object.values(annotations)) {
      const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
      expect(named.filter((label) => !labels.includes(label))).toEqual([]);
    }
  });

  test("are all told of in the folder's README", () => {
    const told = readFileSync(join(FOLDER, "README.md"), "utf8").match(/(?<=^\| `)NimoShake\w+/gm);
    expect([...(told ?? [])]).toEqual(RULES.map(({ alert }) => alert));
  });

  test("promtool has nothing to say against them, where there is one", () => {
    const promtool = Bun.which("promtool");
    if (promtool === null) return;
    const { exitCode, stdout } = Bun.spawnSync([promtool, "check", "config", join(FOLDER, "prometheus.yml")]);
    expect([exitCode, stdout.toString()]).toEqual([
      0,
      expect.stringContaining(`${RULES.length} rules found`),
    ]);
  });
});

test("docs/monitoring.md lists the metrics there are", () => {
  const text = readFileSync(join(ROOT, "docs/monitoring.md"), "utf8");
  const rows = [...text.matchAll(/^\| `((?:nimoshake|process)_.*)\|$/gm)].map(([, row]) =>
    `\`${row}`.split("|").map((cell) => cell.trim()),
  );
  const expected = FAMILIES.map(({ name, kind, labels, help }) => [
    `\`${name}\``,
    kind,
    labels.map((label) => `\`${label}\``).join(", "),
    help,
  ]);
  expect(rows).toEqual(expected);
});
