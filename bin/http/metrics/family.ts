/** What a metric is: its name, its help, its labels, and where its values come from when it is asked for. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { LoopWatch } from "../loop-delay.ts";
import type { RunView } from "../run-view.ts";

/** What values are read from. */
export interface MetricSource {
  view: RunView;
  loop: LoopWatch;
  /** In ms since 1970. */
  now: number;
}

/** One value with its labels; undefined: it isn't known now, and is left out. */
export interface Sample {
  labels?: Record<string, string>;
  value: number | undefined;
}

/** A metric; counters begin at 0 with the process. */
export interface Family {
  kind: "counter" | "gauge";
  name: string;
  help: string;
  labels: readonly string[];
  read(source: MetricSource): Iterable<Sample>;
}

/** Adds a metric to a registry, to be read when it is asked for. */
export function register(registry: Registry, family: Family, source: () => MetricSource): void {
  const { name, help, labels: labelNames, read, kind } = family;
  const options = { name, help, labelNames, registers: [] };
  const known = (): { labels: Record<string, string>; value: number }[] =>
    [...read(source())].flatMap(({ labels = {}, value }) => (value === undefined ? [] : [{ labels, value }]));
  const metric =
    kind === "counter"
      ? new Counter({
          ...options,
          collect() {
            this.reset();
            for (const { labels, value } of known()) this.inc(labels, Math.max(0, value));
          },
        })
      : new Gauge({
          ...options,
          collect() {
            this.reset();
            // Without a value there is no line, where a reset one would be 0.
            if (labelNames.length === 0) this.remove();
            for (const { labels, value } of known()) this.set(labels, value);
          },
        });
  registry.registerMetric(metric);
}
