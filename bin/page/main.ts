/** The page at `/`: shows what `/events` tells, and changes nothing. */
import { createHistory } from "../http/history.ts";
import type { LiveStatus } from "../http/live.ts";
import { connect, type Link } from "./connection.ts";
import { byId } from "./dom.ts";
import { createTeller, showIdentity, showLink } from "./head.ts";
import { createPlots } from "./plots.ts";
import { createRates } from "./rates.ts";
import { createTables } from "./tables.ts";
import { createTheme } from "./theme.ts";
import { createTiles } from "./tiles.ts";
import { createWarnings, showErrors } from "./warnings.ts";

const SECOND = 1000;
/** What counts as now. */
const RECENT = 5 * SECOND;

const rates = createRates();
const plots = createPlots(byId("plots"), byId("range"));
const showTiles = createTiles(byId("tiles"));
const showTables = createTables(byId("list"), rates);
const showWarnings = createWarnings(byId("warnings"));
const tell = createTeller();
let history = createHistory();
let live: LiveStatus | undefined;
let link: Link = "connecting";
let isDrawing = false;

createTheme(byId("theme"), plots.recolour);
// Relative, for who reaches the port by another path.
connect("events", {
  history(points) {
    history = createHistory(points);
  },
  warnings: showWarnings,
  status(now) {
    // Another process has another page.
    if (live !== undefined && live.status.version !== now.status.version) location.reload();
    live = now;
    rates.take(now.status);
    for (const point of now.points) history.add(point);
    draw();
  },
  link(now) {
    link = now;
    draw();
  },
});

/** At most once a frame; a page that nobody sees only changes its title. */
function draw(): void {
  showLink(link, live);
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    if (live === undefined) return;
    tell(link, live.status);
    const points = history.points();
    const end = points.at(-1)?.at ?? 0;
    showIdentity(live.status);
    const last = points.slice(-5).filter(({ at }) => end - at <= RECENT);
    showErrors(live.status);
    showTiles(live, { link, points: last, retries: rates.retries() });
    plots.show(points);
    showTables(live.status);
  });
}
