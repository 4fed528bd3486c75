/** Text from anywhere, made fit for a line: names, answers and plugins' messages can't steer a terminal or forge an entry. */

/** Colours, which say nothing. */
// oxlint-disable-next-line no-control-regex
const COLOUR = /\u001B\[[\d;]*m/g;
/** Control characters but tab and line break, what ends lines for others, and what turns the direction of writing. */
const UNFIT = /[^\P{Cc}\t\n]|[\u2028\u2029\u200E\u200F\u061C\u202A-\u202E\u2066-\u2069]/gu;

/** Without colours, and with control characters written as `\x1b` or `\u202e`; line breaks stay. */
export function plainText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(COLOUR, "").replaceAll(UNFIT, escaped);
}

/** The same in one line: what stood on lines of its own comes behind a semicolon. */
export function oneLine(text: string): string {
  return plainText(text)
    .trim()
    .replaceAll(/(?<=[:;,.])\s*\n\s*/g, " ")
    .replaceAll(/\s*\n\s*/g, "; ");
}

/** The same with secrets hidden, which is done first: one with a control character in it looks different afterwards. */
export function shownText(text: string, redact: (text: string) => string): string {
  return plainText(redact(text));
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!.toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
}
