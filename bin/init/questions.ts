/** The questions of `init`, side by side with what is tried as soon as it is known. */
import { toMigrationError } from "../../core/errors.ts";
import type { Dialogue } from "./dialogue.ts";
import { askSource, askTables, SOURCE_KEYS, tellTables } from "./source-questions.ts";
import { askMode, askTarget, TARGET_KEYS } from "./target-questions.ts";

/** One of the two sides. */
interface Side<T> {
  name: string;
  /** Asks for what isn't known of it. */
  ask(): Promise<void>;
  /** What is asked again when it is to be corrected. */
  keys: typeof SOURCE_KEYS;
  probe(): Promise<T>;
  done(result: T): string;
}

/** Asks for everything that isn't known. Secrets are asked for without being shown. */
export async function askAll(dialogue: Dialogue): Promise<void> {
  const { texts } = dialogue;
  const tables = await connected(dialogue, {
    name: "source",
    ask: () => askSource(dialogue),
    keys: SOURCE_KEYS,
    probe: () => dialogue.probeSource(texts),
    done: tellTables,
  });
  await askTables(dialogue, tables);
  await askMode(dialogue);
  await connected(dialogue, {
    name: "target",
    ask: () => askTarget(dialogue),
    keys: TARGET_KEYS,
    probe: () => dialogue.probeTarget(texts),
    done: (place) => `the target answers: ${place}`,
  });
}

/** Asks for a side and tries it, until it works or the user goes on without it. */
async function connected<T>({ ask, texts, redact }: Dialogue, side: Side<T>): Promise<T | undefined> {
  await side.ask();
  for (;;) {
    try {
      return await ask.during(`connecting to the ${side.name}`, side.probe, side.done);
    } catch (error) {
      const { message, hint } = toMigrationError(error);
      ask.tell(redact(hint === undefined ? message : `${message}\n${hint}`), "error");
    }
    const next = await ask.select({
      message: "What now?",
      choices: [
        { value: "correct", label: `correct what was said of the ${side.name}` },
        { value: "again", label: "try it again" },
        { value: "on", label: "go on all the same", hint: "the file may be corrected later" },
      ],
    });
    if (next === "on") return undefined;
    if (next === "again") continue;
    for (const key of side.keys) delete texts[key];
    await side.ask();
  }
}
