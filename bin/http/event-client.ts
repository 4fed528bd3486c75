/** One who reads `/events`: gets what he can take, and is cut off when he takes nothing. */
import type { Writable } from "node:stream";

/** See the top of the file. */
export interface EventClient {
  /** The body of his answer. */
  body: ReadableStream<Uint8Array>;
  /** Has room: what he got last is on its way. Else nothing may be sent. */
  readonly ready: boolean;
  /** Since when he has had no room, in ms since 1970. */
  stuckSince: number | undefined;
  send(chunk: Uint8Array): void;
  /** Ends his answer; resolves when he has what was sent, or is gone. */
  end(): Promise<void>;
  /** Ends it at once. */
  cut(): void;
}

/**
 * @param outgoing what the answer is written to, where that is known
 * @param onGone told once, when nothing more is sent to him
 */
export function createEventClient(
  outgoing: Pick<Writable, "destroy" | "once" | "closed"> | undefined,
  onGone: (client: EventClient) => void,
): EventClient {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let isOver = false;
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      cancel: over,
    },
    { highWaterMark: 1 },
  );
  const client: EventClient = {
    body,
    get ready() {
      return !isOver && (controller.desiredSize ?? 0) > 0;
    },
    stuckSince: undefined,
    send(chunk) {
      if (!isOver) controller.enqueue(chunk);
    },
    end() {
      if (!isOver) controller.close();
      over();
      return new Promise((resolve) => {
        if (outgoing === undefined || outgoing.closed) resolve();
        else outgoing.once("close", resolve);
      });
    },
    cut() {
      over();
      // The stream's own error would wait for what lies in the socket, and be printed.
      outgoing?.destroy();
    },
  };
  return client;

  function over(): void {
    if (isOver) return;
    isOver = true;
    onGone(client);
  }
}
