/** The control socket of a running process: `status`, `switchover`, `pause`, `resume`, `set` and `verify` speak to it. */
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../core/config/config.ts";
import { createConversation, type Conversation } from "./conversation.ts";
import { settingsText } from "./settings-text.ts";
import { type PlacedSocket, placeSocket, socketPath } from "./socket-place.ts";
import type { Running } from "./verbs.ts";

/** Connections at once; one more is dropped. */
const MOST_CONNECTIONS = 16;
/** The last words have so long to go out, in ms. */
const LAST_WORDS = 1000;

/** What {@link openControlSocket} takes. */
export interface ControlSocketOptions extends Omit<Running, "settings"> {
  config: Config;
  /** Default: the working folder. */
  folder?: string;
  /** How long who connects has for his request, and for reading the last answer, in ms; default 10 s. */
  patience?: number;
  log: { warn(message: string): void; debug(message: string): void };
}

/** A socket that is open. */
export interface ControlSocket extends AsyncDisposable {
  /** Tells who waits for the end of a switch-over that all is saved and the run has ended; to be called then only. */
  ended(): Promise<void>;
}

/**
 * Opens it; it is taken away when it is disposed, and when the process exits. Keeps no process alive. One that can't be
 * made is a warning, and the run goes on without.
 */
export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const { config, folder = ".", log } = options;
  const running: Running = { ...options, settings: settingsText(config) };
  const conversations = new Set<Conversation>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.unref();
    if (conversations.size >= MOST_CONNECTIONS) return void socket.destroy();
    const conversation = createConversation(socket, running, log, options.patience);
    conversations.add(conversation);
    void conversation.over.then(() => conversations.delete(conversation));
  });
  let placed: PlacedSocket | undefined;
  try {
    placed = await placeSocket(server, config.id, folder);
    if (placed === undefined)
      log.warn(`another process listens on ${socketPath(config.id, folder)}: ${WITHOUT}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn(`${socketPath(config.id, folder)} can't be made, ${why}: ${WITHOUT}`);
  }
  // Whoever can't take one more connection tries again for ever; the others go on.
  server.on("error", () => {});
  server.unref();
  const remove = (): void => placed?.remove();
  process.on("exit", remove);
  if (placed === undefined) server.close();

  return {
    async ended() {
      const told = Promise.all([...conversations].map((each) => each.ended()));
      await Promise.race([told, sleep(LAST_WORDS, undefined, { ref: false })]);
    },
    async [Symbol.asyncDispose]() {
      process.off("exit", remove);
      remove();
      if (placed !== undefined) server.close();
      for (const conversation of conversations) conversation.close();
    },
  };
}

const WITHOUT = "this process can't be paused, set or switched over by commands";
