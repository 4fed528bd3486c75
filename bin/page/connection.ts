/** Reads `/events`, again when it breaks off, and says how that goes. */
import type { LiveEvents } from "../http/live.ts";

const SECOND = 1000;
/** No event for so long: the process hangs, or the way to it does. */
const SILENCE = 15 * SECOND;
/** Until it is tried again when the server refuses. */
const AGAIN = 10 * SECOND;

/** How the page is connected. */
export type Link = "connecting" | "live" | "silent" | "lost" | "over";

/** What is told of what comes. */
export interface Listeners {
  history(data: LiveEvents["history"]): void;
  warnings(data: LiveEvents["warnings"]): void;
  status(data: LiveEvents["status"]): void;
  /** When it changes. */
  link(link: Link): void;
}

/** Goes on until the run says that it is over. */
export function connect(address: string, listeners: Listeners): void {
  let link: Link = "connecting";
  let source: EventSource;
  let silence: ReturnType<typeof setTimeout> | undefined;

  open();

  function open(): void {
    source = new EventSource(address);
    on("history", listeners.history);
    on("warnings", listeners.warnings);
    on("status", listeners.status);
    on("end", (data) => {
      source.close();
      listeners.status(data);
      clearTimeout(silence);
      tell("over");
    });
    source.addEventListener("error", () => {
      if (link === "over") return;
      clearTimeout(silence);
      tell(link === "connecting" ? "connecting" : "lost");
      // Else the browser tries again by itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, AGAIN);
    });
  }

  function on<Name extends keyof LiveEvents>(name: Name, tellOf: (data: LiveEvents[Name]) => void): void {
    source.addEventListener(name, ({ data }: MessageEvent<string>) => {
      watch();
      tellOf(JSON.parse(data) as LiveEvents[Name]);
    });
  }

  function watch(): void {
    tell("live");
    clearTimeout(silence);
    silence = setTimeout(() => tell("silent"), SILENCE);
  }

  function tell(now: Link): void {
    if (now === link) return;
    link = now;
    listeners.link(now);
  }
}
