/** A secret wherever it turns up, however it is written there: quoted, escaped for an address or a page, base64, hex. */

/** A backslash before what is quoted in JSON, or in JSON in JSON. */
const QUOTING = String.raw`\\{0,3}`;
/** A percent sign of an address, or of one that is a part of another one. */
const PERCENT = "%(?:25)*";
/** What an entity begins with, or one that was escaped once more. */
const ENTITY = "&(?:amp;)*";

const NAMED: Readonly<Record<string, string>> = {
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "apos",
  " ": "nbsp",
};
const QUOTED: Readonly<Record<string, string>> = { "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f" };

/** Of base64 a character holds so many bits. */
const BITS = 6;
/** Bytes of base64 come in threes, so that a text looks in three ways, after what stands before it. */
const GROUP = 3;

/**
 * A pattern, without flags, that finds a secret in a text:
 *
 * - as it is, any character of it percent-encoded, quoted in JSON (also of JSON in JSON) or an entity of HTML;
 * - in base64 and base64url, also as a part of something longer, but for a character at each end that it shares;
 * - in hexadecimal digits.
 *
 * @example
 * new RegExp(secretPattern("p@ss/word")).test("p%40ss\\/word"); // true
 */
export function secretPattern(secret: string): string {
  const bytes = Buffer.from(secret);
  return [[...secret].map(anyForm).join(""), ...inBase64(bytes), [...bytes].map(inHex).join("")].join("|");
}

/** A character, in any of the ways in which it is written. */
function anyForm(character: string): string {
  const code = character.codePointAt(0)!;
  const plain = character.replace(/[\\^$.*+?()[\]{}|/-]/, String.raw`\$&`);
  const units = character
    .split("")
    .map((unit) => `u${digits(unit.charCodeAt(0).toString(16).padStart(4, "0"))}`);
  const forms = [
    character === "\\" ? String.raw`\\{1,4}` : /\w/.test(character) ? plain : `${QUOTING}${plain}`,
    [...Buffer.from(character)].map((byte) => PERCENT + inHex(byte)).join(""),
    units.map((unit) => String.raw`\\{1,3}` + unit).join(""),
    `${ENTITY}#(?:0*${code}|[xX]0*${digits(code.toString(16))});`,
  ];
  if (character === "&") forms.push(ENTITY);
  if (character === " ") forms.push(String.raw`\+`);
  if (character in NAMED) forms.push(`${ENTITY}${NAMED[character]};`);
  if (character in QUOTED) forms.push(String.raw`\\{1,3}` + QUOTED[character]);
  return `(?:${forms.join("|")})`;
}

/** Behind no byte, one and two: what of base64 depends on the secret only. */
function inBase64(bytes: Uint8Array): string[] {
  return Array.from({ length: GROUP }, (_, before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64url");
    const first = Math.ceil((before * 8) / BITS);
    const whole = Math.floor(((before + bytes.length) * 8) / BITS);
    return text
      .slice(first, whole)
      .replaceAll("-", "[+-]")
      .replaceAll("_", String.raw`\\{0,3}[/_]`);
  });
}

function inHex(byte: number): string {
  return digits(byte.toString(16).padStart(2, "0"));
}

/** Capitals or not. */
function digits(hex: string): string {
  return hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}
