/** `full.read.filter_expression` as DynamoDB takes it: names of attributes by placeholders. */

/** An expression whose attribute names are placeholders, so that any name can be one. */
export interface NamedExpression {
  expression: string;
  /** ExpressionAttributeNames: placeholder to name. */
  names: Record<string, string>;
}

const KEYWORDS: ReadonlySet<string> = new Set(["AND", "OR", "NOT", "BETWEEN", "IN"]);
/** Kept as they are: `:value`, `#name`, `[0]`. Else a word, which ends at a blank or an operator. */
const TOKEN = /[:#]\w+|\[\s*\d+\s*\]|[^\s()[\]<>=,.:#]+/g;

/**
 * Replaces the attribute names of a filter expression by placeholders: 573 words are reserved in DynamoDB,
 * `name`, `status` and `date` among them, and a name with a dash can't be written otherwise.
 *
 * @example
 * nameAttributes("size(tags) > :n AND user.name = :who")
 * // { expression: "size(#n0) > :n AND #n1.#n2 = :who", names: { "#n0": "tags", "#n1": "user", "#n2": "name" } }
 */
export function nameAttributes(text: string): NamedExpression {
  const placeholders = new Map<string, string>();
  const expression = text.replace(TOKEN, (token: string, at: number) => {
    if (/^[:#[]/.test(token)) return token;
    const before = text.slice(0, at).trimEnd().at(-1);
    const after = text.slice(at + token.length).trimStart()[0];
    const inPath = before === "." || after === "." || after === "[";
    // What stands before a bracket is a function; DynamoDB has the words for one it doesn't know.
    if (!inPath && (KEYWORDS.has(token.toUpperCase()) || after === "(")) return token;
    const placeholder = placeholders.get(token) ?? `#n${placeholders.size}`;
    placeholders.set(token, placeholder);
    return placeholder;
  });
  return { expression, names: Object.fromEntries([...placeholders].map(([name, key]) => [key, name])) };
}
