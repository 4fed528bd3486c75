/** What one line of the display says, piece by piece; an empty piece has nothing to say. */
import { formatCount, formatDuration, formatEstimate, formatSize } from "../format.ts";
import type { Figures } from "./meter.ts";

const SECOND = 1000;

/** `~43%`; only what is finished has 100 %. */
export function percentText({ finished, share }: Figures): string {
  if (finished) return "100%";
  return share === undefined ? "" : formatEstimate(share);
}

/** `ETA 5m 20s` */
export function etaText({ etaMs }: Figures): string {
  return etaMs === undefined ? "" : `ETA ${formatDuration(Math.max(SECOND, etaMs))}`;
}

/** `12,345 items` */
export function itemsText(items: number): string {
  return `${formatCount(items)} ${items === 1 ? "item" : "items"}`;
}

/** `building indexes 43%` */
export function indexText({ indexShare }: Figures): string {
  return indexShare === undefined ? "building indexes" : `building indexes ${Math.floor(indexShare * 100)}%`;
}

/** `throttled 12×` */
export function troubleText({ trouble }: Pick<Figures, "trouble">): string {
  if (trouble === undefined) return "";
  return trouble.times > 0 ? `${trouble.what} ${formatCount(trouble.times)}×` : trouble.what;
}

/** `spool 12 MB`: changes that wait for the end of the full phase. */
export function spoolText({ spoolBytes }: Pick<Figures, "spoolBytes">): string {
  return spoolBytes ? `spool ${formatSize(spoolBytes)}` : "";
}

/** `waiting 12s`, where nothing has moved for so long. */
export function waitText({ stalledMs }: Figures): string {
  return stalledMs === undefined ? "" : `waiting ${formatDuration(stalledMs)}`;
}
