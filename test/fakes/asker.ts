/** Somebody who answers questions from a script. */
import type { Asker } from "../../bin/ask.ts";
import { MigrationError } from "../../core/errors.ts";

/** What is answered to a question whose message has this in it; an interrupt is Ctrl-C. */
export type Answer = [question: string, answer: unknown];

/** Ctrl-C. */
export const INTERRUPT: unique symbol = Symbol("Ctrl-C");

/** An asker, and what became of it. */
export interface FakeAsker extends Asker {
  /** What was told, and which answers were refused, in order. */
  told: string[];
  /** Answers that nobody has asked for. */
  left(): Answer[];
}

/** Answers in this order; a question that isn't next fails. */
export function fakeAsker(script: Answer[]): FakeAsker {
  const left = [...script];
  const told: string[] = [];

  function answer(message: string): unknown {
    const [wanted, given] = left.shift() ?? ["nothing more"];
    if (!message.includes(wanted)) throw new Error(`asked "${message}", and the script has "${wanted}"`);
    if (given === INTERRUPT) throw new MigrationError("INTERRUPTED", "stopped", { exit: 130 });
    return given;
  }

  function chosen<T>(message: string, choices: { value: T }[]): T {
    const given = answer(message);
    const found = choices.find(({ value }) => value === given);
    if (found === undefined) throw new Error(`${String(given)} is no choice of "${message}"`);
    return found.value;
  }

  return {
    told,
    left: () => left,
    async text({ message, validate }) {
      for (;;) {
        const given = String(answer(message));
        const problem = validate?.(given);
        if (problem === undefined) return given;
        told.push(`refused: ${problem}`);
      }
    },
    password: async ({ message }) => String(answer(message)),
    select: async ({ message, choices }) => chosen(message, choices),
    async several<T>({ message, choices }: { message: string; choices: { value: T }[] }) {
      const given = answer(message) as T[];
      return choices.map(({ value }) => value).filter((value) => given.includes(value));
    },
    confirm: async ({ message }) => answer(message) === true,
    async during(_, work, done) {
      const result = await work();
      told.push(done(result));
      return result;
    },
    tell: (message) => void told.push(message),
    begin: (title) => void told.push(title),
    end: (message) => void told.push(message),
  };
}
