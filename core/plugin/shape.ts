/** What is asked of values that come from outside: a plugin's, or a file's. */

/** Whether it is an object with members: no list, and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether it is a number of things, or an estimate of one: finite and not below zero. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}
