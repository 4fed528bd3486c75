/** What somebody may have meant who has misspelt a name. */
import { closest, distance } from "fastest-levenshtein";

/** Of a name, so much may be misspelt. */
const SHARE = 0.4;

/** The name that is nearest; undefined: none is near. */
export function nearestTo(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const nearest = closest(name, names);
  return distance(name, nearest) <= SHARE * Math.max(name.length, nearest.length) ? nearest : undefined;
}
