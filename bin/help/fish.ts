/** What completes the command line in fish. */
import { SETTINGS } from "../../core/config/settings.ts";
import { type CommandLine, type Flag, NAME, type Value } from "./description.ts";

/** The script, as a file of `completions`. */
export function fishCompletion({ verbs, flags }: CommandLine): string {
  const run = verbs.find(({ name }) => name === "run")!;
  // fish's own __fish_use_subcommand takes an option's value for a command.
  const first = `not __fish_seen_subcommand_from ${verbs.map(({ name }) => name).join(" ")}`;
  const lines = [
    ...verbs.map(({ name, description }) => line(first, `-a ${name}`, description)),
    ...[...run.flags, ...flags].map((flag) => flagLine(first, flag)),
    ...verbs.flatMap(({ name, flags: own, value }) => {
      const after = `__fish_seen_subcommand_from ${name}`;
      return [
        ...own.map((flag) => flagLine(after, flag)),
        line(after, "-s h -l help", "Shows this command"),
        ...(value === undefined ? [] : [`complete -c ${NAME} -n '${after}' ${answer(value)}`]),
      ];
    }),
  ];
  return `# Completes ${NAME} in fish. Made by: ${NAME} completion fish

function __nimo_shake_keys # KEYS…: they, or the values of the one that is typed
    set -l typed (string replace -r -- '^--set=' '' (commandline -ct))
    if not string match -q -- '*=*' $typed
        for key in $argv
            switch $key
${SETTINGS.map(({ key, description }) => `                case ${key}\n                    printf '%s=\\t%s\\n' $key ${quoted(description)}`).join("\n")}
            end
        end
        return
    end
    set -l key (string split -m 1 = -- $typed)[1]
    switch $key
${SETTINGS.filter(({ words }) => words.length > 0)
  .map(({ key, words }) => `        case ${key}\n            printf "$key=%s\\n" ${words.join(" ")}`)
  .join("\n")}
    end
end

complete -c ${NAME} -f
${lines.join("\n")}
`;
}

function flagLine(when: string, { names, description, value }: Flag): string {
  const options = names.map((name) =>
    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const taken = value === undefined || value.optional ? [] : ["-r"];
  return line(
    when,
    [...options, ...taken, ...(value === undefined ? [] : [answer(value)])].join(" "),
    description,
  );
}

function line(when: string, what: string, description: string): string {
  return `complete -c ${NAME} -n '${when}' ${what} -d ${quoted(description)}`;
}

function answer({ file, words, keys }: Value): string {
  const known = keys.length > 0 ? [`(__nimo_shake_keys ${keys.join(" ")})`] : words;
  return [...(file ? ["-F"] : ["-f"]), ...(known.length > 0 ? [`-a ${quoted(known.join(" "))}`] : [])].join(
    " ",
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
