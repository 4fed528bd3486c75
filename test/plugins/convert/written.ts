/** JSON written in the ways that a server may choose. */

/** JSON with every character of every string as an escape. */
const escapeAll = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/"((?:[^"\\]|\\.)*)"/g, (quoted, text: string) =>
    // Type tags stay as they are: another spelling is left to the long way.
    /^(?:S|N|B|M|L|SS|NS|BS|NULL|BOOL)$/.test(text) || /^-?[\d.]+$/.test(text)
      ? quoted
      : `"${(JSON.parse(quoted) as string)
          .split("")
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join("")}"`,
  );
const escapeSlashes = (value: unknown): string => JSON.stringify(value).replaceAll("/", "\\/");
const escapeNonAscii = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Ways to write JSON. */
export const WRITTEN: [name: string, encode: (value: unknown) => string][] = [
  ["compact", JSON.stringify],
  ["with escaped slashes", escapeSlashes],
  ["with escapes beyond ASCII", escapeNonAscii],
  ["all in escapes", escapeAll],
];
