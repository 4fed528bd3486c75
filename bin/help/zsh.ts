/** What completes the command line in zsh. */
import { SETTINGS } from "../../core/config/settings.ts";
import { type CommandLine, type Flag, NAME, type Value, type Verb } from "./description.ts";

/** The function, as a file of `fpath`. */
export function zshCompletion({ verbs, flags }: CommandLine): string {
  const run = verbs.find(({ name }) => name === "run")!;
  const changeable = verbs.flatMap(({ name, value }) => (name === "set" ? (value?.keys ?? []) : []));
  const isChangeable = new Set(changeable);
  return `#compdef ${NAME}
# Completes ${NAME} in zsh. Made by: ${NAME} completion zsh

_nimo_shake_key_value() { # NAMES OF KEYS…: key=value
  local expl
  local -a known=("$@")
  if compset -P '*='; then
    local key=\${\${IPREFIX%=}##*=}
    case $key in
${SETTINGS.filter(({ words }) => words.length > 0)
  .map(({ key, words }) => `      ${key}) _wanted values expl "$key" compadd -- ${words.join(" ")} ;;`)
  .join("\n")}
      *) _message -e values "value of $key" ;;
    esac
  else
    _describe -t keys key known -S =
  fi
}

_nimo_shake_setting() {
  _nimo_shake_key_value ${described(SETTINGS)}
}

_nimo_shake_change() {
  _nimo_shake_key_value ${described(SETTINGS.filter(({ key }) => isChangeable.has(key)))}
}

_nimo_shake_plugin() {
  _alternative ${pluginsOf(run)} 'files:file:_files'
}

_nimo-shake() {
  local curcontext=$curcontext state line ret=1
  local -a commands=(
${verbs.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join("\n")}
  )
  _arguments -C \\
${[...run.flags, ...flags].map((flag) => `    ${flagSpec(flag)} \\`).join("\n")}
    '(-): :->command' \\
    '(-)*:: :->words' && ret=0
  case $state in
    command) _describe -t commands command commands && ret=0 ;;
    words)
      case $words[1] in
${verbs.map((verb) => `        ${verb.name})\n          _arguments \\\n${verbSpecs(verb)} && ret=0 ;;`).join("\n")}
      esac ;;
  esac
  return ret
}

if [[ $funcstack[1] == _nimo-shake ]]; then _nimo-shake "$@"; else compdef _nimo-shake ${NAME}; fi
`;
}

function verbSpecs({ flags, value }: Verb): string {
  const specs = flags.map(flagSpec);
  specs.push("'(- *)'{-h,--help}'[Shows this command]'");
  if (value !== undefined) specs.push(quoted(`${value.text.includes("...") ? "*" : "1"}:${action(value)}`));
  return specs.map((spec) => `            ${spec}`).join(" \\\n");
}

function flagSpec({ names, description, value }: Flag): string {
  const again = description.includes("again and again") ? "*" : "";
  const excluded = again === "" ? `(${names.join(" ")})` : again;
  const what = `[${description.replaceAll(/[[\]\\:]/g, "\\$&")}]${value === undefined ? "" : `:${value.optional ? ":" : ""}${action(value).trimStart()}`}`;
  const [only] = names;
  if (names.length === 1) return quoted(`${excluded}${typed(only!, value)}${what}`);
  return `${quoted(excluded)}{${names.map((name) => typed(name, value)).join(",")}}${quoted(what)}`;
}

/** A long option takes its value as the next word, or behind a `=`. */
function typed(name: string, value: Value | undefined): string {
  return value !== undefined && name.startsWith("--") ? `${name}=${value.optional ? "-" : ""}` : name;
}

/** What is asked for, and what answers. */
function action({ text, file, words, keys }: Value): string {
  const what = text.replaceAll(/[<>[\].:]/g, "");
  if (keys.length === SETTINGS.length) return `${what}:_nimo_shake_setting`;
  if (keys.length > 0) return `${what}:_nimo_shake_change`;
  if (file && words.length > 0) return `${what}:_nimo_shake_plugin`;
  if (file) return `${what}:_files`;
  return `${what}:${words.length > 0 ? `(${words.join(" ")})` : ""}`;
}

function pluginsOf({ flags }: Verb): string {
  const names = flags.find((flag) => flag.names.includes("--plugin"))?.value?.words ?? [];
  return quoted(`plugins:plugin:(${names.join(" ")})`);
}

function described(settings: readonly { key: string; description: string }[]): string {
  return settings.map(({ key, description }) => `\\\n    ${quoted(`${key}:${description}`)}`).join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
