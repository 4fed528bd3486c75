/** `bun run bench [full|incr|proxy|verify|many] [options]`: how fast it is, beside the least that can be done. See README.md. */
import { helpText, readCommandLine, type Wanted } from "./command-line.ts";
import { compare, readReport } from "./compare.ts";
import { refuse } from "./flags.ts";
import type { Kind } from "./kind.ts";
import { main } from "./main.ts";
import { format } from "./report.ts";
import { measure } from "./turns.ts";

if (process.argv[2] === "many") {
  process.argv.splice(2, 1);
  await import("./many.ts");
} else await start(wanted());

function wanted(): Wanted {
  try {
    return readCommandLine(process.argv.slice(2));
  } catch (error) {
    return refuse(error, helpText());
  }
}

async function start(asked: Wanted): Promise<void> {
  if (asked.do === "help") {
    console.log(helpText());
  } else if (asked.do === "compare") {
    const [one, other] = asked.files;
    try {
      console.log(compare(readReport(one), readReport(other)));
    } catch (error) {
      refuse(error, "");
    }
  } else {
    const { options } = asked;
    const { default: kind } = (await import(`./${options.kind}.ts`)) as { default: Kind };
    const run = (signal: AbortSignal): ReturnType<typeof measure> => measure(kind, options, signal);
    await main({ ...options, help: false }, { help: helpText(), run, format });
  }
}
