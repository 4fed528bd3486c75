/** The examples in the docstrings of what the library exports, as programs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
/** What is exported, by the package's names. */
const ENTRIES = { "nimo-shake": "core/index.ts", "nimo-shake/test": "test/contracts/index.ts" } as const;

/** An export that runs, and the examples of it. */
export interface Documented {
  name: string;
  /** The file that it is defined in. */
  file: string;
  examples: string[];
}

/** Finds them; types are left out. */
export function documentedExports(entry: keyof typeof ENTRIES): Documented[] {
  const index = readFileSync(join(ROOT, ENTRIES[entry]), "utf8");
  return [...index.matchAll(/^export \{([^}]+)\} from "\.\/(.+)";$/gm)].flatMap(([, names, path]) =>
    names!
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && !name.startsWith("type "))
      .map((name) => {
        const file = join(ENTRIES[entry], "..", path!);
        return { name, file, examples: examplesOf(name, file) };
      }),
  );
}

function examplesOf(name: string, file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const at = new RegExp(`^export (?:function|class|const) ${name}\\b`, "m").exec(text)?.index;
  if (at === undefined) throw new Error(`${file} doesn't define ${name}`);
  const docstring = text.slice(text.lastIndexOf("/**", at), at);
  return [...docstring.matchAll(/@example\n \* ```ts\n([\s\S]*?) \* ```/g)].map(([, code]) =>
    code!.replaceAll(/^ \* ?/gm, ""),
  );
}
