/** How a text may look when something else holds it: what must not come out is looked for in all of these forms. */

/** The usual ways in which a text is written within another one. */
export const FORMS: Record<string, (text: string) => string> = {
  "as it is": (text) => text,
  "as a part of an address": encodeURIComponent,
  "as a part of an address, with small letters": (text) =>
    encodeURIComponent(text).replaceAll(/%../g, (byte) => byte.toLowerCase()),
  "every byte of it as in an address": (text) => Buffer.from(text).toString("hex").replaceAll(/../g, "%$&"),
  "as a part of an address of a part of an address": (text) => encodeURIComponent(encodeURIComponent(text)),
  "as a form's field": (text) => new URLSearchParams({ a: text }).toString().slice(2),
  "quoted in JSON": (text) => JSON.stringify(text).slice(1, -1),
  "quoted in JSON in JSON": (text) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  "quoted in JSON, slashes too": (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replaceAll("/", String.raw`\/`),
  "quoted in JSON by numbers": (text) =>
    text.replaceAll(/[^]/g, (unit) => String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, "0")),
  "in HTML": (text) => Bun.escapeHTML(text),
  "in HTML by numbers": (text) => [...text].map((each) => `&#${each.codePointAt(0)};`).join(""),
  "in HTML by hexadecimal numbers": (text) =>
    [...text].map((each) => `&#x${each.codePointAt(0)!.toString(16).toUpperCase()};`).join(""),
  "in base64": (text) => Buffer.from(text).toString("base64"),
  "in base64url": (text) => Buffer.from(text).toString("base64url"),
  "in hexadecimal digits": (text) => Buffer.from(text).toString("hex"),
  "in hexadecimal capitals": (text) => Buffer.from(text).toString("hex").toUpperCase(),
};

/** A text as a part of longer ones in base64, where the characters at its ends are shared with what stands beside it. */
function embedded(text: string): string[] {
  return (["base64", "base64url"] as const).flatMap((encoding) =>
    ["a", "bc"].map((beside) => Buffer.from(`${beside}${text}${beside}`).toString(encoding)),
  );
}

/** A text in each of the forms. */
export function spoken(text: string): string[] {
  return [...new Set([...Object.values(FORMS).map((form) => form(text)), ...embedded(text)])];
}

/** What must not be found where a text must not be, in whichever form. */
export function tracesOf(text: string): string[] {
  const inner = embedded(text).map((each) => each.slice("xxxx".length, -"xxxx".length));
  return [...new Set([...Object.values(FORMS).map((form) => form(text)), ...inner])];
}
