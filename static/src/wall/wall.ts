// An unattended screen: one dashboard or several in turn, with what is wrong above and the time beside. Nobody stands at it,
// so whatever happens it goes on by itself, and while it cannot know it says so across everything.
import type { Board } from "../board/board";
import { serverNow } from "../freshness";
import type { Shown, ShownPage } from "../frames";
import { standAlone, subscribe, tell } from "../live";
import { lengthOf } from "../range";
import { showAlerts } from "./alerts";
import { moment, startClock } from "./clock";
import { remember, reload } from "./reload";
import { fit, setZoom, unattend } from "./screen";
import { source } from "./source";

const tickEvery = 250;
const reportEvery = 10_000;
const identifyFor = 10_000;
const patience = 4000; // what the next page of a rotation may take before it is shown as far as it is
const catchUp = [0, 10_000, 60_000]; // after a gap everything is asked for again; what the storage had not by then, twice more
const newerWithin = 60_000; // a new version waits for the end of a page no longer than this
const nothing = (): void => undefined;

// Layer is one page of the rotation: the one that is seen, or the next one while it loads.
interface Layer {
  page: ShownPage;
  root: HTMLElement;
  board: Board;
}

export function startWall(): void {
  const frame = document.querySelector<HTMLElement>("[data-page=wall]");
  const stage = document.getElementById("wall-stage");
  if (frame && stage) new Wall(stage).start(frame.dataset.live ?? "");
}

class Wall {
  private shown: Shown | undefined;
  private layer: Layer | undefined;
  private turning = false;
  private since = performance.now(); // when the layer was shown
  private alerts = 0;
  private newerSince = 0;
  private wasLost = false;
  private reportedAt = 0;

  constructor(private readonly stage: HTMLElement) {}

  start(live: string): void {
    standAlone({ path: live, newer: () => (this.newerSince ||= performance.now()), ended: () => this.ended(), moment });
    unattend();
    startClock();
    addEventListener("resize", fit);
    subscribe({ topic: "wall" }, (frame) => {
      if (frame.wall) this.follow(frame.wall);
    });
    subscribe({ topic: "alerts" }, (frame) => {
      const now = (frame.snapshot ?? frame).alerts;
      if (!now) return;
      this.alerts = now.open;
      showAlerts(now);
      document.body.dispatchEvent(new Event("alerts-changed")); // to the widgets that are about them
    });
    setInterval(() => this.tick(), tickEvery);
  }

  // follow makes the screen what it is to be; it is called again whenever somebody changes it.
  private follow(next: Shown): void {
    const before = this.shown;
    this.shown = next;
    remember(next.name);
    document.title = `${next.name} · ${next.tenant}`;
    document.documentElement.dataset.bsTheme = next.light ? "light" : "dark";
    text("wall-name", next.name);
    this.useZone(next.zone ?? "");
    setZoom(next.zoom / 100);
    fit();
    if (next.identify && next.identify !== before?.identify && serverNow() - next.identify < identifyFor) this.identify(next);
    if (before && (next.reload !== before.reload || next.zoom !== before.zoom)) void reload();
    const empty = document.getElementById("wall-empty");
    if (empty) empty.hidden = next.pages.length > 0;
    this.stage.hidden = next.pages.length === 0;
    const mine = next.pages.find((page) => page.id === this.layer?.page.id);
    if (!mine) void this.turn(next.pages[0]);
    else if (mine.version !== this.layer?.page.version || mine.name !== this.layer.page.name) this.update(mine);
  }

  // useZone has the page shown again where it is shown in another zone than the screen's, which stands in its address.
  private useZone(zone: string): void {
    if ((new URLSearchParams(location.search).get("zone") ?? "") === zone) return;
    history.replaceState(null, "", zone ? `?zone=${encodeURIComponent(zone)}` : location.pathname);
    void reload();
  }

  private update(page: ShownPage): void {
    if (!this.layer) return;
    const other = this.layer.page.document.range !== page.document.range;
    this.layer.page = page;
    rows(this.layer.root, page);
    this.layer.board.show(page.document);
    if (other) this.layer.board.reload();
    text("wall-page", page.name);
  }

  private tick(): void {
    const lost = document.documentElement.dataset.connection === "lost";
    if (this.wasLost && !lost) this.resynchronise();
    this.wasLost = lost;
    const pages = this.shown?.pages ?? [];
    const on = performance.now() - this.since;
    const due = pages.length > 1 && on >= (this.shown?.seconds ?? 30) * 1000;
    const held = this.shown?.pause === true && this.alerts > 0;
    text("wall-turn", pages.length > 1 ? `${this.number(pages)} of ${pages.length}${held ? ", stays while an alert is open" : ""}` : "");
    if (lost || this.turning) return; // what cannot be loaded does not take the place of what was
    if (this.newerSince > 0 && (due || pages.length < 2 || performance.now() - this.newerSince > newerWithin)) {
      this.newerSince = 0;
      void reload();
    } else if (due && !held) void this.turn(pages[this.number(pages) % pages.length]);
    if (performance.now() - this.reportedAt > reportEvery) this.report();
  }

  // number is which page is seen, from 1.
  private number(pages: ShownPage[]): number {
    return pages.findIndex((page) => page.id === this.layer?.page.id) + 1;
  }

  // turn loads a page beside the one that is seen, and then takes its place.
  private async turn(page: ShownPage | undefined): Promise<void> {
    const old = this.layer;
    if (!page || this.turning) {
      if (!page) this.drop(old);
      return;
    }
    this.turning = true;
    const next = await this.make(page);
    await Promise.race([complete(next.root), new Promise((done) => setTimeout(done, patience))]);
    this.drop(old);
    this.layer = next;
    next.root.classList.add("seen");
    text("wall-page", page.name);
    this.since = performance.now();
    this.turning = false;
    this.report();
    const still = this.shown?.pages.find((one) => one.id === page.id);
    if (!still) void this.turn(this.shown?.pages[0]); // it was taken away meanwhile
    else if (still.version !== page.version) this.update(still);
  }

  private drop(layer: Layer | undefined): void {
    layer?.board.destroy();
    layer?.root.remove();
    if (this.layer === layer) this.layer = undefined;
  }

  // make loads what draws charts only now: it asks once how many pixels there are, and the zoom is known by then.
  private async make(page: ShownPage): Promise<Layer> {
    const { Board } = await import("../board/board").catch(() => reload().then(() => import("../board/board"))); // it is of an older version, and gone
    const root = document.createElement("div");
    root.className = "board wall-layer";
    rows(root, page);
    this.stage.append(root);
    const span = () => ({ from: serverNow() - lengthOf(made.page.document.range), to: serverNow(), live: true });
    const board = new Board(root, { source: source(page.id), span, zoom: nothing, reset: nothing, devices: "", menu: false });
    const made: Layer = { page, root, board };
    board.show(page.document);
    return made;
  }

  private resynchronise(): void {
    for (const after of catchUp) setTimeout(() => this.layer?.board.reload(), after);
  }

  private report(): void {
    this.reportedAt = performance.now();
    const side = (length: number) => Math.round(length * screenRatio);
    tell({ report: { page: this.layer?.page.id ?? "", version: document.body.dataset.version ?? "", width: side(innerWidth), height: side(innerHeight) } });
  }

  private identify(who: Shown): void {
    const place = document.getElementById("wall-identify");
    if (!place) return;
    place.textContent = who.name;
    place.hidden = false;
    setTimeout(() => (place.hidden = true), identifyFor);
  }

  // ended is called when the token is worth nothing any more. The page that is loaded then shows a code.
  private ended(): string {
    void reload();
    return "▲ This screen shows nothing any more: it was revoked. A code for pairing it again follows.";
  }
}

const screenRatio = devicePixelRatio; // before it is changed for charts

function text(id: string, words: string): void {
  const place = document.getElementById(id);
  if (place && place.textContent !== words) place.textContent = words;
}

// rows makes the grid as high as its lowest widget, so that all of it is on the screen.
function rows(root: HTMLElement, page: ShownPage): void {
  const most = Math.max(1, ...(page.document.widgets ?? []).map((w) => w.at.y + w.at.h));
  root.style.setProperty("--rows", String(most));
}

// complete waits until every widget has something to show.
async function complete(root: HTMLElement): Promise<void> {
  while (root.querySelector(".w:not([data-ready])")) await new Promise((done) => setTimeout(done, 50));
}
