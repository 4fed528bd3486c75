/** How numbers look wherever a person reads them: bars, log lines, the summary. */
import prettyBytes from "pretty-bytes";
import prettyMilliseconds from "pretty-ms";

const SECOND = 1000;

const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** A count with its thousands apart: `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** A count in few columns: `1.23M`. */
export function formatShort(count: number): string {
  return SHORT.format(count);
}

/** A size in bytes, in powers of 1,000: `12.3 MB`. */
export function formatSize(bytes: number): string {
  return prettyBytes(Math.round(bytes));
}

/** Items a second, full: `12,345 items/s`; rates under ten keep a decimal. */
export function formatRate(perSecond: number): string {
  return `${formatCount(perSecond < 10 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond))} items/s`;
}

/** How many there were a second; `-` where there were none, or in no time. */
export function formatMean(count: number, ms: number): string {
  return count > 0 && ms > 0 ? formatCount(Math.round(count / (ms / SECOND))) : "-";
}

/** Bytes a second: `8.1 MB/s`. */
export function formatThroughput(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
}

/** A duration in ms by its two largest units: `1h 3m`. */
export function formatDuration(ms: number): string {
  const rounded = Math.round(ms / SECOND) * SECOND;
  if (rounded === 0) return "0s";
  return prettyMilliseconds(rounded, { unitCount: 2, secondsDecimalDigits: 0 });
}

/** A share from 0 to 1 as an estimate, `~43%`; never above 99 %, for what is estimated is not finished. */
export function formatEstimate(share: number): string {
  return `~${Math.min(99, Math.floor(share * 100))}%`;
}

/** A moment as NimoShake's log files have it, always in UTC: `2026/11/23 21:00:00 UTC`. */
export function formatTime(date: Date): string {
  const iso = date.toISOString();
  return `${iso.slice(0, 10).replaceAll("-", "/")} ${iso.slice(11, 19)} UTC`;
}
