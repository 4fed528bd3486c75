/** What completes the command line in bash, 3.2 (macOS) and later. */
import { SETTINGS } from "../../core/config/settings.ts";
import { type CommandLine, type Flag, NAME, type Value, type Verb } from "./description.ts";

/** The script, to be sourced. */
export function bashCompletion({ verbs, flags }: CommandLine): string {
  const run = verbs.find(({ name }) => name === "run")!;
  const names = verbs.map(({ name }) => name).join(" ");
  return `# Completes ${NAME} in bash. Made by: ${NAME} completion bash

_nimo_shake_values() { # KEY: the words that the key takes
  case $1 in
${SETTINGS.filter(({ words }) => words.length > 0)
  .map(({ key, words }) => `    ${key}) echo "${words.join(" ")}" ;;`)
  .join("\n")}
  esac
}

_nimo_shake() {
  local IFS=$' \\t\\n' command="" last=-1 at word
  local -a words=()
  # Bash takes words apart at "=". Here they are as they were typed.
  for ((at = 1; at <= COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if ((last >= 0)) && [[ $word == =* || \${words[last]} == *= ]] &&
      ! [[ $at == "$COMP_CWORD" && \${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]]; then
      words[last]+=$word
    else
      last=$((last + 1))
      words[last]=$word
    fi
  done
  for ((at = 0; at < last; at++)); do
    case \${words[at]} in
      ${verbs.map(({ name }) => name).join("|")}) command=\${words[at]} && break ;;
    esac
  done

  local current=\${words[last]} before="" options="" reply="" keys="" files=""
  ((last > 0)) && before=\${words[last - 1]}
  [[ $current == --*=* ]] && before=\${current%%=*} && current=\${current#*=}

  case $command in
    "") options="${optionNames([...run.flags, ...flags])}" reply="${names}" ;;
${verbs.map(verbCase).join("\n")}
  esac
  case $before in
${flagCases(verbs)}
  esac

  local typed=""
  if [[ -n $keys && $current == *=* ]]; then
    reply=$(_nimo_shake_values "\${current%%=*}") current=\${current#*=}
  elif [[ -n $keys && $current != -* ]]; then
    reply=$keys
    compopt -o nospace 2>/dev/null
  elif [[ $current == -* ]]; then
    reply=$options
  fi
  # Where "=" doesn't end a word for bash, what was typed before it belongs to the answer.
  [[ $COMP_WORDBREAKS != *=* ]] && typed=\${words[last]%"$current"}
  COMPREPLY=($(compgen -P "$typed" -W "$reply" -- "$current"))
  if [[ -n $files ]]; then
    while IFS= read -r word; do COMPREPLY+=("$typed$word"); done < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
}

# Without an answer bash completes names of files.
complete -o default -F _nimo_shake ${NAME}
`;
}

function verbCase({ name, flags, value }: Verb): string {
  const sets = [
    `options="${optionNames(flags)} -h --help"`,
    ...(value === undefined ? ["reply=$options"] : answers(value)),
  ];
  return `    ${name}) ${sets.join(" ")} ;;`;
}

/** What follows an option that takes a value, whichever command it belongs to. */
function flagCases(verbs: readonly Verb[]): string {
  const byNames = new Map<string, Flag>();
  for (const { flags } of verbs)
    for (const flag of flags) if (flag.value !== undefined) byNames.set(flag.names.join("|"), flag);
  return [...byNames]
    .map(([names, { value }]) => {
      const { optional, file, words, keys } = value!;
      const isFree = !file && words.length === 0 && keys.length === 0;
      const sets = [
        ...(optional ? [] : ['options=""']),
        ...answers(value!),
        ...(file && words.length > 0 ? ["files=yes"] : []),
        ...(isFree ? ["&& compopt +o default 2>/dev/null"] : []),
      ];
      return `    ${names}) ${sets.join(" ")} ;;`;
    })
    .join("\n");
}

function answers({ words, keys }: Value): string[] {
  return [`reply="${words.join(" ")}"`, `keys="${keys.map((key) => `${key}=`).join(" ")}"`];
}

function optionNames(flags: readonly Flag[]): string {
  return flags.flatMap(({ names }) => names).join(" ");
}
