/** The syntax of `nimo-shake.conf`: one `key = value` a line. Knows no keys. */

/** One setting as the file gives it. */
export interface ConfEntry {
  key: string;
  /** Without surrounding blanks and without one pair of matching surrounding quotes. */
  value: string;
  /** From 1. */
  line: number;
}

/** What is wrong, or worth saying, about one line. */
export interface ConfNote {
  /** From 1. */
  line: number;
  message: string;
}

/** What {@link parseConf} found. */
export interface ConfFile {
  /** Each key once, with the last value it was given, in the order of first appearance. */
  entries: ConfEntry[];
  /** Lines that are neither a setting, a comment nor blank. */
  problems: ConfNote[];
  /** Keys that were given more than once. */
  warnings: ConfNote[];
}

/** A CR alone ends a line too: a file of such lines would be one value, and be shown as a whole. */
const LINE_END = /\r\n?|\n/;
const KEY = /^[\w-][\w.-]*$/;

/**
 * Reads the text of a configuration file. The first `=` of a line splits it; blanks, tabs, CR and a BOM around
 * key and value don't count; a line that begins with `#` is a comment. A `#` behind a value is part of the value.
 *
 * @example
 * parseConf('qps.full = 10').entries // [{ key: "qps.full", value: "10", line: 1 }]
 */
export function parseConf(text: string): ConfFile {
  const entries = new Map<string, ConfEntry>();
  const problems: ConfNote[] = [];
  const warnings: ConfNote[] = [];
  for (const [index, raw] of text.split(LINE_END).entries()) {
    const line = index + 1;
    const content = raw.trim(); // takes a BOM as well
    if (content === "" || content.startsWith("#")) continue;
    const equals = content.indexOf("=");
    const key = content.slice(0, equals).trim();
    // neither message repeats the line: a wrapped session token ends up here
    if (equals < 0) {
      problems.push({
        line,
        message: 'no "=" on this line; a setting is written key = value, a comment begins with #',
      });
    } else if (!KEY.test(key)) {
      problems.push({
        line,
        message: 'no usable key before the "="; a key is made of letters, digits, "_", "-" and "."',
      });
    } else {
      const earlier = entries.get(key);
      if (earlier !== undefined) {
        warnings.push({
          line,
          message: `${key} is given again (first on line ${earlier.line}); the last one counts`,
        });
      }
      entries.set(key, { key, value: unquote(content.slice(equals + 1).trim()), line });
    }
  }
  return { entries: [...entries.values()], problems, warnings };
}

/** The text of a file in UTF-8, or in UTF-16 as editors on Windows write it. */
export function decodeConf(bytes: Buffer): string {
  const [first, second] = bytes;
  // Without the mark in front a character of ASCII tells: it has a zero on one side.
  if ((first === 0xfe && second === 0xff) || first === 0) {
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString("utf16le");
  }
  if ((first === 0xff && second === 0xfe) || second === 0) return bytes.toString("utf16le");
  return bytes.toString("utf8");
}

/** The guide shows values in quotes, so one matching pair around a value is not part of it. */
function unquote(value: string): string {
  const quote = value[0];
  const paired = value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote);
  return paired ? value.slice(1, -1) : value;
}
