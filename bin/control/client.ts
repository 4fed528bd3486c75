/** Speaking to a running process on its control socket. */
import { connect, type Socket } from "node:net";
import { MigrationError } from "../../core/errors.ts";
import { createLineReader } from "./line-reader.ts";
import {
  type Answer,
  decodeAnswer,
  encode,
  encodeRequest,
  FIRST_ANSWER,
  HEARTBEAT,
  LONGEST_ANSWER,
  refused,
  type Request,
} from "./protocol.ts";

/** Who says nothing for so long doesn't answer any more, in ms. */
const SILENCE: number = 4 * HEARTBEAT;
/** A process that has said that its run has ended has ended, too, within so long, in ms. */
const ENDING = 30_000;

/**
 * Connects to a socket.
 *
 * @throws what the system says: ENOENT, ECONNREFUSED and the like where nobody listens
 */
export function connectTo(path: string): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(path);
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      done(socket);
    });
  });
}

/** What {@link ask} takes beside. */
export interface AskOptions {
  /** Tells the process that a switch-over isn't wanted any more; its answer is still waited for. */
  giveUp?: AbortSignal | undefined;
  /** How long the first answer may take, in ms; default 10 s. */
  first?: number;
}

/**
 * Sends a request and gives the answers until the process closes the connection, after a switch-over by its own end. Who
 * stops reading closes it.
 *
 * @throws MigrationError CONTROL_FAILED: it doesn't answer, or what it says can't be understood; or what it answers with
 */
export async function* ask(
  socket: Socket,
  request: Request,
  options: AskOptions = {},
): AsyncGenerator<Answer> {
  const { giveUp, first = FIRST_ANSWER } = options;
  const answers: Answer[] = [];
  let failure: unknown;
  let isOver = false;
  let hasEnded = false;
  let wake = (): void => {};
  const news = (): Promise<void> => new Promise((resolve) => void (wake = resolve));
  const end = (error?: unknown): void => {
    failure ??= error;
    isOver = true;
    socket.destroy();
    wake();
  };
  const sendGiveUp = (): void => void (socket.writable && socket.write(encode({ verb: "give up" })));
  const quiet = (): void => end(hasEnded ? hanging() : silent());

  const read = createLineReader(
    LONGEST_ANSWER,
    (line) => {
      try {
        const answer = decodeAnswer(line);
        answers.push(answer);
        hasEnded = answer.type === "ended";
        socket.setTimeout(hasEnded ? ENDING : SILENCE);
        wake();
      } catch (error) {
        end(error);
      }
    },
    () => end(refused("it is too long")),
  );
  socket.on("data", read);
  socket.on("timeout", quiet);
  socket.on("error", () => end());
  socket.on("close", () => end());
  socket.setTimeout(first);
  giveUp?.addEventListener("abort", sendGiveUp, { once: true });
  try {
    socket.write(encodeRequest(request));
    if (giveUp?.aborted) sendGiveUp();
    for (;;) {
      const answer = answers.shift();
      if (answer === undefined) {
        if (failure !== undefined) throw failure;
        if (isOver) return;
        await news();
      } else if (answer.type === "error") {
        const { code, message, hint, exit } = answer.error;
        throw new MigrationError(code, message, { exit, ...(hint !== undefined && { hint }) });
      } else yield answer;
    }
  } finally {
    giveUp?.removeEventListener("abort", sendGiveUp);
    socket.destroy();
  }
}

function silent(): MigrationError {
  return new MigrationError("CONTROL_FAILED", "the process doesn't answer on its control socket", {
    hint: "see whether it is stopped (SIGSTOP) or the machine is out of memory, and ask again",
  });
}

function hanging(): MigrationError {
  return new MigrationError("CONTROL_FAILED", "all is applied and saved, but the process doesn't end", {
    hint: "see what holds it, or end it with kill: nothing is lost",
  });
}
