/** One connection to the control socket: its request, the answers, and all that can be wrong with it. */
import type { Socket } from "node:net";
import { MigrationError, toMigrationError } from "../../core/errors.ts";
import { createLineReader } from "./line-reader.ts";
import {
  type Answer,
  decodeRequest,
  encode,
  HEARTBEAT,
  LONGEST_REQUEST,
  refused,
  type Request,
  type Result,
} from "./protocol.ts";
import { carryOut, type Running } from "./verbs.ts";

const SECOND = 1000;
/** Who connects has so long for his request, and later for reading the last answer, in ms. */
const PATIENCE = 10 * SECOND;
/** With so many bytes not read yet nothing more is said of what is waited for. */
const UNREAD = 64 * 1024;

/** See the top of the file. */
export interface Conversation {
  /** Resolves when the connection is closed. */
  readonly over: Promise<void>;
  /**
   * The run has ended, and its state is saved: who was told that it would is told that it has. The connection stays: that
   * it is closed tells that the process is over, too.
   */
  ended(): Promise<void>;
  /** Ends it at once, unless somebody waits for the end of the process. */
  close(): void;
}

/** Has it. Whatever comes of it, nothing is thrown. `patience`: for tests, in ms. */
export function createConversation(
  socket: Socket,
  running: Running,
  log: { debug(message: string): void },
  patience: number = PATIENCE,
): Conversation {
  const gone = new AbortController();
  const { promise: over, resolve: closed } = Promise.withResolvers<void>();
  let request: Request | undefined;
  /** Resolves when the result is said. */
  let answered: Promise<void> | undefined;
  let waiting = "";
  let heartbeat: NodeJS.Timeout | undefined;
  /** It was told that a switch-over is done, and waits for the end. */
  let awaitsEnd = false;
  /** It knows, and waits for the process. */
  let isTold = false;
  let limit = limited();

  function limited(): NodeJS.Timeout {
    return setTimeout(() => socket.destroy(), patience).unref();
  }

  function say(answer: Answer): void {
    if (!socket.destroyed && socket.writable) socket.write(encode(answer));
  }

  function tell(text: string): void {
    waiting = text;
    if (socket.writableLength < UNREAD) say({ type: "waiting", text });
  }

  /** Nothing more is said. */
  function finish(): void {
    clearInterval(heartbeat);
    clearTimeout(limit);
    limit = limited();
    socket.end();
  }

  function fail(error: unknown): void {
    const { code, message, hint, exit } = toMigrationError(error);
    const { redact } = running;
    say({
      type: "error",
      error: { code, message: redact(message), ...(hint !== undefined && { hint: redact(hint) }), exit },
    });
    finish();
  }

  async function answer(asked: Exclude<Request, { verb: "give up" }>): Promise<void> {
    clearTimeout(limit);
    if (asked.verb !== "status" && asked.verb !== "note")
      log.debug(`${asked.verb} is asked for on the control socket`);
    heartbeat = setInterval(() => tell(waiting), HEARTBEAT).unref();
    try {
      const result: Result = await carryOut(asked, running, tell, gone.signal);
      say({ type: "result", result });
      awaitsEnd = result.verb === "switchover" && result.result.outcome === "done";
      waiting = "the run is ending";
      if (!awaitsEnd) finish();
    } catch (error) {
      fail(error);
    }
  }

  function hear(line: string): void {
    try {
      const asked = decodeRequest(line);
      if (asked.verb === "give up") {
        if (request?.verb === "switchover") gone.abort(givenUp("it was given up"));
        return;
      }
      if (request !== undefined) return;
      request = asked;
      answered = answer(asked);
    } catch (error) {
      if (request !== undefined) return;
      request = { verb: "give up" };
      fail(error);
    }
  }

  // What comes behind is read and dropped: with it unread, the answer would be lost.
  const read = createLineReader(LONGEST_REQUEST, hear, () => {
    if (request === undefined) fail(refused(`it is longer than ${LONGEST_REQUEST} bytes`));
    else socket.destroy();
  });
  socket.on("data", read);
  // Who closes his side has said all he wants to, and may still listen; but nobody waits for a switch-over like that.
  socket.on("end", () => {
    gone.abort(givenUp("its connection was lost"));
    if (request === undefined) socket.destroy();
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    clearTimeout(limit);
    clearInterval(heartbeat);
    gone.abort(givenUp("its connection was lost"));
    closed();
  });

  return {
    over,
    async ended() {
      // The run may be over a moment before the one who waits for the switch-over hears of it.
      if (request?.verb === "switchover") await answered;
      if (!awaitsEnd || !socket.writable) return;
      clearInterval(heartbeat);
      isTold = true;
      await new Promise((written) => void socket.write(encode({ type: "ended" }), written));
    },
    close: () => void (isTold || socket.destroy()),
  };
}

function givenUp(why: string): MigrationError {
  return new MigrationError("NOT_SWITCHED", `the switch-over was given up: ${why}`);
}
