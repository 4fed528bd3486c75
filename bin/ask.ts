/** Questions on a terminal. What asks them is an interface, so that tests can answer. */
import { MigrationError } from "../core/errors.ts";

/** A choice among some. */
export interface Choice<T> {
  value: T;
  label: string;
  hint?: string;
}

/** Asks; every question ends with INTERRUPTED when the user presses Ctrl-C. */
export interface Asker {
  text(question: {
    message: string;
    initial?: string;
    placeholder?: string;
    /** What is wrong with an answer; undefined: nothing. */
    validate?: (answer: string) => string | undefined;
  }): Promise<string>;
  /** What is typed isn't shown. */
  password(question: { message: string; isNeeded: boolean }): Promise<string>;
  select<T>(question: { message: string; choices: Choice<T>[]; initial?: T }): Promise<T>;
  /** At least one. */
  several<T>(question: { message: string; choices: Choice<T>[]; initial?: T[] }): Promise<T[]>;
  confirm(question: { message: string; initial: boolean }): Promise<boolean>;
  /** Says what is waited for, and what came of it. */
  during<T>(message: string, work: () => Promise<T>, done: (result: T) => string): Promise<T>;
  tell(message: string, kind?: "info" | "warn" | "error"): void;
  begin(title: string): void;
  end(message: string): void;
}

/** Whether a question can be asked: on a terminal that has no width nothing is shown. */
export function isTerminal(): boolean {
  const { isTTY, columns } = process.stdout;
  return process.stdin.isTTY === true && isTTY === true && columns > 0;
}

/** Asks on the terminal. */
export async function terminalAsker(): Promise<Asker> {
  // Most commands ask nothing.
  const clack = await import("@clack/prompts");

  /** What was answered. */
  async function answer<T>(asked: Promise<unknown>): Promise<T> {
    const given = await asked;
    if (!clack.isCancel(given)) return given as T;
    throw new MigrationError("INTERRUPTED", "stopped", { exit: 130 });
  }

  const options = <T>(choices: Choice<T>[]): never => choices as never;

  return {
    text: ({ message, initial, placeholder, validate }) =>
      answer<string | undefined>(
        clack.text({
          message,
          ...(initial !== undefined && { initialValue: initial }),
          ...(placeholder !== undefined && { placeholder }),
          ...(validate !== undefined && { validate: (given) => validate((given ?? "").trim()) }),
        }),
      ).then((given) => (given ?? "").trim()),
    password: ({ message, isNeeded }) =>
      answer<string | undefined>(
        clack.password({
          message,
          validate: (given) => (isNeeded && !given ? "it is needed" : undefined),
        }),
      ).then((given) => given ?? ""),
    select: <T>({ message, choices, initial }: { message: string; choices: Choice<T>[]; initial?: T }) =>
      answer<T>(
        clack.select({
          message,
          options: options(choices),
          ...(initial !== undefined && { initialValue: initial as never }),
        }),
      ),
    several: <T>({ message, choices, initial }: { message: string; choices: Choice<T>[]; initial?: T[] }) =>
      answer<T[]>(
        clack.multiselect({
          message,
          options: options(choices),
          required: true,
          maxItems: 12,
          ...(initial !== undefined && { initialValues: initial as never }),
        }),
      ),
    confirm: ({ message, initial }) => answer<boolean>(clack.confirm({ message, initialValue: initial })),
    async during(message, work, done) {
      // clack's spinner would end the process with 0 at Ctrl-C.
      clack.log.step(`${message} …`);
      const result = await work();
      clack.log.success(done(result));
      return result;
    },
    tell(message, kind = "info") {
      clack.log[kind](message);
    },
    begin: (title) => clack.intro(title),
    end: (message) => clack.outro(message),
  };
}
