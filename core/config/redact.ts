/** Keeps secrets out of logs, reports and messages. */
import { SETTINGS } from "./settings.ts";
import type { Config, SettingKey } from "./config.ts";

/** What stands in the place of a secret. */
const STARS = "***";

const SECRET_KEYS: ReadonlySet<string> = new Set([
  "source.access_key_id",
  "source.secret_access_key",
  "source.session_token",
  "target.access_key_id",
  "target.secret_access_key",
  "target.session_token",
]);

/** Options of plugins that go by such a name. */
const SECRET_OPTION = /^plugin\..*(salt|secret|passw|token|credential|api_?-?key|access_?-?key)/i;

const ADDRESS_KEYS: ReadonlySet<string> = new Set([
  "target.address",
  "checkpoint.address",
  "source.endpoint_url",
  "source.streams_endpoint_url",
]);

const SECRET_PARAMETER =
  /([?&;][^=&;\s]{0,80}(?:password|passwd|pwd|passphrase|secret|token|credential|signature|api_?-?key|access_?-?key)[^=&;\s]{0,80}=)[^&;\s]*/gi;

const SECRET_PROPERTY = /(AWS_SESSION_TOKEN(?::|%3A))[^,&\s]*/gi;

/** Shorter values would hide ordinary text with them. */
const SHORTEST_SECRET = 6;

/**
 * What hides a configuration's own secrets wherever they turn up in a text: a service may repeat them in its errors.
 *
 * @param settings the configuration, key by key
 */
export function createRedactor(settings: Readonly<Record<string, unknown>>): (text: string) => string {
  const secrets = Object.entries(settings).flatMap(([key, value]) => {
    if (typeof value !== "string") return [];
    if (isSecret(key)) return [value];
    return ADDRESS_KEYS.has(key) ? [password(value)] : [];
  });
  const forms = secrets
    .flatMap((secret) => (secret.length < SHORTEST_SECRET ? [] : formsOf(secret)))
    .toSorted((a, b) => b.length - a.length);
  return (text) => forms.reduce((shown, secret) => shown.replaceAll(secret, STARS), redactText(text));
}

/** As it is, as a part of an address, and quoted in JSON, which may stand in a text of JSON itself. */
function formsOf(secret: string): string[] {
  const quoted = inJson(secret);
  return [...new Set([secret, encodeURIComponent(secret), quoted, inJson(quoted)])];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The password in an address, as it is meant. */
function password(address: string): string {
  const encoded = /^[a-z0-9+.-]+:\/\/[^:@]*:(.*)@/is.exec(address)?.[1] ?? "";
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** Whether a setting's whole value is a secret. */
export function isSecret(key: string): boolean {
  return SECRET_KEYS.has(key) || SECRET_OPTION.test(key);
}

/**
 * A setting's value as it may be shown: a secret is gone, an address keeps its hosts but not its credentials.
 * It rather hides too much: all before the last `@` of an address, so that a password with `@`, `/` or blanks in it,
 * or an address without its scheme, gives nothing away.
 */
export function redactValue(key: string, value: string): string {
  if (isSecret(key)) return value === "" ? "" : STARS;
  if (!ADDRESS_KEYS.has(key)) return redactText(value);
  return redactParameters(value.replace(/^(\W*[a-z][a-z0-9+.-]*:\/\/)?[^]*@/i, `$1${STARS}@`));
}

/** Any text, say a driver's error message, with the credentials of the URIs in it hidden. */
export function redactText(text: string): string {
  return redactParameters(text.replace(/\S+/g, redactWord));
}

/** What stands between an address's scheme and its last `@`. Searched by hand: a pattern takes hours for a long word. */
function redactWord(word: string): string {
  const at = word.lastIndexOf("@");
  for (let colon = word.indexOf("://"); colon >= 0 && colon < at; colon = word.indexOf("://", colon + 1)) {
    let start = colon;
    while (start > 0 && /[0-9+.-]/.test(word[start - 1]!)) start--;
    if (start > 0 && /[a-z]/i.test(word[start - 1]!))
      return word.slice(0, colon + 3) + STARS + word.slice(at);
  }
  return word;
}

/** Passwords and tokens also travel in query strings: proxyPassword, tlsCertificateKeyFilePassword, AWS_SESSION_TOKEN. */
function redactParameters(text: string): string {
  return text.replace(SECRET_PARAMETER, `$1${STARS}`).replace(SECRET_PROPERTY, `$1${STARS}`);
}

/** The configuration as it may be logged: no keys, no tokens, no credentials in addresses. */
export function describeConfig(config: Config): Record<SettingKey, unknown> {
  const shown = SETTINGS.map(({ key }) => {
    const value = config[key];
    if (typeof value === "string") return [key, redactValue(key, value)];
    return [key, Array.isArray(value) ? value.map(redactText) : value];
  });
  return Object.fromEntries(shown) as Record<SettingKey, unknown>;
}

/** What could be JSON with other strings; names of members stay. */
export function withStrings<T>(value: T, change: (text: string) => string): T {
  const reviver = (_: string, each: unknown): unknown => (typeof each === "string" ? change(each) : each);
  return JSON.parse(JSON.stringify(value), reviver) as T;
}
