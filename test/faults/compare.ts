/** Lays what should be at the target against what is there, key by key. */

/** An item or a document: its key, and all of it as text that is the same for the same content. */
export interface Entry {
  key: string;
  content: string;
}

/** What is wrong with one key. */
export interface Difference {
  table: string;
  key: string;
  kind: "lost" | "other" | "extra" | "doubled";
  expected?: string;
  found?: string;
}

/** The differences of a table. */
export function compare(table: string, expected: readonly Entry[], found: readonly Entry[]): Difference[] {
  const differences: Difference[] = [];
  const wanted = new Map(expected.map(({ key, content }) => [key, content]));
  if (wanted.size !== expected.length) throw new Error(`two items of one key are expected in ${table}`);
  const seen = new Set<string>();
  for (const { key, content } of found) {
    const should = wanted.get(key);
    if (seen.has(key)) differences.push({ table, key, kind: "doubled", found: content });
    else if (should === undefined) differences.push({ table, key, kind: "extra", found: content });
    else if (should !== content)
      differences.push({ table, key, kind: "other", expected: should, found: content });
    seen.add(key);
  }
  for (const [key, content] of wanted)
    if (!seen.has(key)) differences.push({ table, key, kind: "lost", expected: content });
  return differences;
}

const SHOWN = 300;

/** A difference in a line. */
export function describeDifference({ table, key, kind, expected, found }: Difference): string {
  const cut = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
  const parts = [`${kind}: ${table} ${key}`];
  if (expected !== undefined) parts.push(`  expected ${cut(expected)}`);
  if (found !== undefined) parts.push(`  found    ${cut(found)}`);
  return parts.join("\n");
}
