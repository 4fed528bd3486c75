/** `/metrics`: a run's counters in Prometheus's text format. */
import { Registry } from "prom-client";
import { watchLoop } from "../loop-delay.ts";
import type { RunView } from "../run-view.ts";
import { type Family, type MetricSource, register } from "./family.ts";
import { PROCESS_FAMILIES } from "./process-families.ts";
import { RUN_FAMILIES } from "./run-families.ts";
import { STREAM_FAMILIES } from "./stream-families.ts";
import { TABLE_FAMILIES } from "./table-families.ts";

/** All metrics there are. */
export const FAMILIES: readonly Family[] = [
  ...RUN_FAMILIES,
  ...TABLE_FAMILIES,
  ...STREAM_FAMILIES,
  ...PROCESS_FAMILIES,
];

/** A run's metrics. */
export interface Metrics {
  contentType: string;
  /** As they are now. */
  text(): Promise<string>;
  /** Ends what is watched for them; may be called twice. */
  close(): void;
}

/**
 * Makes them. Nothing is counted here: values are read from the run's progress when they are asked for.
 *
 * @param now in ms since 1970
 */
export function createMetrics(view: RunView, now: () => number = Date.now): Metrics {
  const registry = new Registry();
  const loop = watchLoop();
  const source = (): MetricSource => ({ view, loop, now: now() });
  for (const family of FAMILIES) register(registry, family, source);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: () => loop.stop(),
  };
}
