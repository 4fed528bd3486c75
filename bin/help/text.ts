/** What `--help` and the command `help` print: all commands in short, or one of them with all its options. */
import { ABOUT, type CommandLine, EXIT_CODES, NAME, type Verb } from "./description.ts";
import { paragraph, twoColumns } from "./lines.ts";

/** A part of a help text. */
export interface Section {
  title?: string;
  body: string;
}

/** All commands; what each takes is in its own help. */
export function commandsHelp({ verbs, flags }: CommandLine, width: number): Section[] {
  return framed(width, [
    {
      title: "Usage",
      body: twoColumns(
        [
          [`${NAME} COMMAND [options]`, ""],
          [`${NAME} -conf=FILE`, `the same as ${NAME} run -c FILE`],
        ],
        width,
      ),
    },
    { title: "Commands", body: twoColumns(rowsOf(verbs), width) },
    {
      title: "More",
      body: twoColumns([[`${NAME} help COMMAND`, "its options and examples"], ...rowsOf(flags)], width),
    },
    {
      title: "Configuration",
      body: paragraph(
        `A file of lines key = value, given with -c FILE; ${NAME} init writes one that explains every key. Stronger than the ` +
          "file are environment variables (NIMO_ and the key in capitals, with _ for .: NIMO_TARGET_ADDRESS), and stronger than " +
          "those is --set key=value. Where they give all that is needed, no file is.",
        width,
      ),
    },
  ]);
}

/** One command. */
export function commandHelp({ text, description, flags, examples }: Verb, width: number): Section[] {
  const options = flags.length > 0 ? " [options]" : "";
  return framed(width, [
    { title: "Usage", body: `  ${NAME} ${text}${options}\n\n${paragraph(`${description}.`, width)}` },
    ...(flags.length > 0 ? [{ title: "Options", body: twoColumns(rowsOf(flags), width) }] : []),
    {
      title: "Examples",
      body: examples.map((example) => `  ${example}`).join("\n"),
    },
  ]);
}

/** The sections as one text. */
export function helpText(sections: readonly Section[]): string {
  return sections.map(({ title, body }) => (title === undefined ? body : `${title}:\n${body}`)).join("\n\n");
}

function framed(width: number, sections: Section[]): Section[] {
  const codes = EXIT_CODES.map(([code, meaning]) => `${code} ${meaning}`).join(" · ");
  return [
    { body: paragraph(`${NAME}: ${ABOUT}`, width, "") },
    ...sections,
    { title: "Exit codes", body: paragraph(codes, width) },
  ];
}

function rowsOf(all: readonly { text: string; description: string }[]): [string, string][] {
  return all.map(({ text, description }) => [text, description]);
}
