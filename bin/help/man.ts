/** The manual page, in the macros of man(7). */
import { SETTINGS } from "../../core/config/settings.ts";
import { type BuildInfo } from "../build-info.ts";
import { paragraph } from "./lines.ts";
import { ABOUT, type CommandLine, EXIT_CODES, type Flag, NAME, type Verb } from "./description.ts";

/** The page's source. */
export function manPage({ verbs, flags }: CommandLine, { version, date }: BuildInfo): string {
  return [
    `.TH NIMO\\-SHAKE 1 "${date ?? ""}" "${NAME} ${version}" "User Commands"`,
    ".SH NAME",
    `${text(NAME)} \\- ${text(ABOUT)}`,
    ".SH SYNOPSIS",
    `.B ${text(NAME)}`,
    ".I command",
    "[options]",
    ".br",
    `.B ${literal(`${NAME} -conf=`)}\\fIfile\\fR`,
    ".SH DESCRIPTION",
    "Without a command it does what",
    ".B run",
    text(
      "does. A run that was stopped or killed anywhere goes on where it was when it is started again in the same way.",
    ),
    ".SH COMMANDS",
    ...verbs.flatMap(verbLines),
    ".SH OPTIONS",
    ...flags.flatMap(flagLines),
    ".SH CONFIGURATION",
    text(
      "Values come from, strongest first: --set key=value, the environment, the file given with -c, and the defaults. " +
        "A line of the file is key = value; one that begins with # is a comment. These are the keys, with their defaults.",
    ),
    ...SETTINGS.flatMap(({ key, default: fallback, description }) => [
      ".TP",
      `.BR "${literal(key)}" "${fallback === "" ? "" : ` = ${literal(fallback)}`}"`,
      text(`${description}.`),
    ]),
    ".SH ENVIRONMENT",
    text(
      "Every key of the configuration has a variable: NIMO_ and the key in capitals, with _ for the dot, such as NIMO_TARGET_ADDRESS.",
    ),
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap(([code, meaning]) => [".TP", `.B ${code}`, text(`${meaning}.`)]),
    ".SH FILES",
    ...FILES.flatMap(([file, meaning]) => [".TP", `.I ${literal(file)}`, text(meaning)]),
    "",
  ].join("\n");
}

/** What a run writes beside its log and its checkpoint. */
const FILES: readonly (readonly [file: string, meaning: string])[] = [
  ["<id>.pid", "The running process."],
  ["<id>.sock", "By which status, pause, resume, set and switchover speak to it."],
  ["<id>-report.json", "What a run did; report.file names another place."],
  ["<id>-skipped.jsonl", "What an error hook has left out, one a line."],
  [
    "<id>-spool",
    "Changes that were read and are not applied yet, with incr_sync_parallel; increase.persist.dir names another place.",
  ],
  ["<id>-diff.jsonl", "The differences that verify has found, one a line."],
  ["<id>-verify", "What verify has read, until it ends."],
];

function verbLines({ text: use, description, flags, examples }: Verb): string[] {
  return [
    `.SS "${literal(use)}"`,
    text(`${description}.`),
    ...flags.flatMap(flagLines),
    ".PP",
    ".EX",
    ...examples.map(literal),
    ".EE",
  ];
}

function flagLines({ text: use, description }: Flag): string[] {
  return [".TP", `.B "${literal(use)}"`, text(`${description}.`)];
}

/** Short lines: roff fills them anyhow. */
const LINE = 72;

/** A text that roff fills. */
function text(plain: string): string {
  return paragraph(plain, LINE, "").split("\n").map(literal).join("\n");
}

/** A line that roff prints as it is: no character of it is a command, and a `-` can be copied. */
function literal(line: string): string {
  return line
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll('"', "\\(dq")
    .replaceAll("→", "\\(->")
    .replace(/^[.']/, "\\&$&");
}
