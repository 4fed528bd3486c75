/** Keeps secrets out of logs, reports and messages. */
import { SETTINGS } from "./settings.ts";
import type { Config, SettingKey } from "./config.ts";
import { secretPattern } from "./secret-forms.ts";

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
const SECRET_OPTION =
  /^plugin\..*(salt|secret|passw|passphrase|pass$|pwd|token|credential|auth(?!or)|(api|access|private|signing|encryption)_?-?key)/i;

/** Those of the library that end in a table's name, which says nothing of the value. */
const BY_TABLE = /^plugin\.(exclude|filter|mask|pick|rename)\.(attributes|where)\./;

/** What the AWS SDK, and who connects through a proxy, take from the environment. */
const SECRET_VARIABLES =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|CONTAINER_AUTHORIZATION_TOKEN)|.*_proxy)$/i;

const ADDRESS_KEYS: ReadonlySet<string> = new Set([
  "target.address",
  "checkpoint.address",
  "source.endpoint_url",
  "source.streams_endpoint_url",
]);

const SECRET_PARAMETER =
  /([?&;][^=&;\s]{0,80}(?:password|passwd|pwd|passphrase|secret|token|credential|signature|api_?-?key|access_?-?key)[^=&;\s]{0,80}=)[^&;\s]*/gi;

const SECRET_PROPERTY = /(AWS_SESSION_TOKEN(?::|%3A))[^,&\s]*/gi;

/** As a service says again what it was sent, whoever has given it: a profile, a role, the machine. */
const SECRET_HEADER =
  /((?:x-amz-security-token|x-amz-signature|proxy-authorization|authorization)(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?(?:basic\s+|bearer\s+)?)(?!aws4-)[^\s"'\\,;&]+/gi;
/** AWS's own form of them. */
const ACCESS_KEY = /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g;

/** Shorter values would hide ordinary text with them. */
const SHORTEST_SECRET = 6;

/**
 * What hides a configuration's own secrets wherever they turn up in a text, in any form: a service may repeat them in
 * its errors. Those of less than six characters are hidden in addresses only.
 *
 * @param settings the configuration, key by key
 * @param env has some as well
 */
export function createRedactor(
  settings: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): (text: string) => string {
  const all = Object.entries(settings).flatMap(([key, value]) =>
    typeof value === "string" ? secretsIn(value, isSecret(key)) : [],
  );
  for (const [name, value = ""] of Object.entries(env))
    if (SECRET_VARIABLES.test(name)) all.push(...secretsIn(value, !/_proxy$/i.test(name)));
  const secrets = [...new Set(all)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .toSorted((a, b) => b.length - a.length);
  if (secrets.length === 0) return redactText;
  const forms = new RegExp(secrets.map(secretPattern).join("|"), "g");
  return (text) => redactText(text).replaceAll(forms, STARS);
}

/** All settings, those of plugins under the names that they have in a file: what {@link createRedactor} takes. */
export function allSettings(
  config: Readonly<Partial<Record<SettingKey, unknown>>>,
  pluginOptions: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const own = Object.entries(pluginOptions).flatMap(([name, options]) =>
    Object.entries(options ?? {}).map(([key, value]) => [`plugin.${name}.${key}`, value] as const),
  );
  return { ...config, ...Object.fromEntries(own) };
}

/**
 * A setting's value as a whole, or the password and the parameters of what is an address.
 *
 * @param isWhole it is a secret itself
 */
function secretsIn(value: string, isWhole: boolean): string[] {
  if (isWhole) return [value];
  const [, password = ""] = /^[a-z0-9+.-]+:\/\/[^:@]*:(.*)@/is.exec(value) ?? [];
  const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  const parameters = isAddress
    ? [...value.matchAll(SECRET_PARAMETER), ...value.matchAll(SECRET_PROPERTY)].map(([all, name]) =>
        all.slice(name!.length),
      )
    : [];
  return [password, ...parameters].map(decoded);
}

/** As it is meant. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether a setting's whole value is a secret. */
export function isSecret(key: string): boolean {
  return SECRET_KEYS.has(key) || (SECRET_OPTION.test(key) && !BY_TABLE.test(key));
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
  const withoutUsers = text.replace(/\S+/g, redactWord);
  return redactParameters(withoutUsers).replace(SECRET_HEADER, `$1${STARS}`).replace(ACCESS_KEY, STARS);
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
