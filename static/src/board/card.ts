// One widget on the grid: its frame, what it shows, and what can be taken from it.
import { stepSeconds } from "../points";
import type { Frame } from "../frames";
import { toMs } from "../frames";
import { button, make, table } from "./dom";
import { lines } from "./lines";
import type { Answer, Kind, Move, Span, Stage, View, Widget } from "./model";
import { alerts } from "./alerts";
import { image } from "./image";
import { map } from "./map";
import { fleet, log, timeline, words } from "./states";
import { bars, gauge, number, table as latest } from "./values";

// Source is where a widget gets its past and its present from.
export interface Source {
  ask: (widget: Widget, span: Span, points: number, signal: AbortSignal) => Promise<Answer>;
  csv: (widget: Widget, span: Span, points: number) => string | null; // an address; null for what is not saved
  hear: (widget: Widget, handle: (frame: Frame) => void) => () => void;
}

export interface CardOptions {
  source: Source;
  span: () => Span;
  zoom: (from: number, to: number) => void;
  reset: () => void;
  devices: string; // address of the devices' pages
  pictures?: string; // address of the tenant's pictures
  move?: (widget: string, ...to: Parameters<Move>) => void; // of a spot on a picture, while the dashboard is edited
  menu: boolean; // whether things can be taken from it; nobody does on a wall
}

const views: Record<Kind, (stage: Stage) => View> = { line: lines, area: lines, band: lines, number, gauge, bars, table: latest, timeline, fleet, log, alerts, image, map, text: words };

const fewest = 120;
const most = 1000;
const pixelsPerPoint = 2;
const retryAfter = 5000;
const soonest = 100; // between two drawings, in ms
const seldom = 300_000; // what continues itself is read again now and then: late readings lie before what the socket handed over
const often = 60_000;
const asked = new Set<Kind>(["bars", "alerts"]); // what does not continue itself
const silent = new Set<Kind>(["alerts", "text"]); // what no reading changes
const drawn = new Set<Kind>(["line", "area", "band", "number", "gauge", "table", "timeline", "image"]); // what shows a value only if its series was in the answer
const newcomerAfter = 1000; // ms until the storage has what the socket handed over
const newcomerTimes = 3; // and how often it is asked for it; some are not for this widget to show, such as text between lines
const newcomersMost = 100;
const alerting = new Set<Kind>(["line", "area", "band", "alerts"]);

export class Card {
  readonly root: HTMLElement;
  readonly body = make("div", "w-body");
  private readonly noteLine = make("p", "w-note muted small");
  private readonly view: View;
  private loading: AbortController | undefined;
  private loaded = 0; // when it was last asked for, by a clock that nobody sets, in ms; 0 means that it must be
  private retryAt = Infinity;
  private step = 0;
  private visible = false;
  private known: Set<string> | undefined; // series of the last answer; undefined where others may come that there is no room for
  private readonly newcomers = new Map<string, number>(); // series that came and are not shown, and how often they were asked for
  private about = ""; // which devices the last answer was about
  private due = false; // an alert has changed
  private fresh = false; // something has come that is not drawn
  private drawnAt = 0;
  private unhear: (() => void) | undefined;
  private readonly observer: IntersectionObserver;

  constructor(readonly widget: Widget, private readonly o: CardOptions) {
    this.root = make("section", `w kind-${widget.kind}`);
    this.root.dataset.widget = widget.id ?? "";
    this.root.setAttribute("aria-label", widget.title || widget.kind);
    const head = make("header", "w-head");
    head.append(make("h2", "w-title", widget.title ?? ""));
    if (o.menu && widget.kind !== "text") head.append(this.menu());
    this.root.append(head, this.body, this.noteLine);
    this.view = views[widget.kind]({ host: this.body, widget, devices: o.devices, zoom: o.zoom, reset: o.reset, ...this.picture() });
    this.place();
    this.observer = new IntersectionObserver((entries) => this.see(entries.at(-1)?.isIntersecting ?? false), { rootMargin: "200px" });
    this.observer.observe(this.root);
  }

  // picture is what only a picture needs.
  private picture(): Pick<Stage, "pictures" | "move"> {
    const { pictures, move } = this.o;
    return { ...(pictures ? { pictures } : {}), ...(move ? { move: (...to: Parameters<Move>) => move(this.widget.id ?? "", ...to) } : {}) };
  }

  // moved is told that the spots of its widget lie elsewhere.
  moved(): void {
    this.view.moved?.();
  }

  // place puts the card on the grid; on a phone the style sheet puts all below each other.
  place(): void {
    const { x, y, w, h } = this.widget.at;
    this.root.style.setProperty("--x", String(x + 1));
    this.root.style.setProperty("--y", String(y + 1));
    this.root.style.setProperty("--w", String(w));
    this.root.style.setProperty("--h", String(h));
    this.root.style.order = String(y * 12 + x);
  }

  reload(): void {
    this.loaded = 0;
    if (!this.visible) return;
    this.view.tick?.(this.o.span());
    void this.load();
  }

  // alerted is told when an alert has changed. Many may, so it is looked at with the next tick.
  alerted(): void {
    if (alerting.has(this.widget.kind)) this.due = true;
  }

  // matches is told which devices it is about by now: when they are others, it listens and asks anew.
  matches(about: string): void {
    if (this.about === "" || about === this.about) return;
    this.listen(about);
    this.due = true;
  }

  // listen hears of the devices that it is about now.
  private listen(about: string): void {
    this.about = about;
    this.unhear?.();
    this.unhear = undefined;
    if (this.visible) this.see(true);
  }

  // tick is called once a second.
  tick(): void {
    if (!this.visible || this.loading || this.widget.kind === "text") return;
    if (this.due || performance.now() > this.retryAt) return void this.load();
    const span = this.o.span();
    if (!span.live || this.loaded === 0) return;
    const pause = this.step > 30 || asked.has(this.widget.kind) ? Math.max(often, this.step * 1000) : seldom;
    if (performance.now() - this.loaded > pause) return void this.load();
    this.view.tick?.(span);
  }

  destroy(): void {
    this.observer.disconnect();
    this.loading?.abort();
    this.unhear?.();
    this.view.destroy?.();
    this.root.remove();
  }

  private see(visible: boolean): void {
    this.visible = visible;
    if (!visible) return;
    if (!this.unhear && !silent.has(this.widget.kind)) this.unhear = this.o.source.hear(this.widget, (frame) => this.hear(frame));
    if (this.loaded === 0) void this.load();
  }

  private hear(frame: Frame): void {
    if (frame.snapshot?.since) this.view.since?.(toMs(frame.snapshot.since));
    if (!this.o.span().live) return;
    for (const [device, metric, at, value] of (frame.snapshot ?? frame).points ?? []) {
      this.view.add?.(device, metric, toMs(at), value);
      this.meet(`${device} ${metric}`);
      this.fresh = true;
    }
    if (this.fresh) requestAnimationFrame(() => this.draw());
  }

  // meet asks anew soon when a series comes for the first time: it has no place yet.
  private meet(series: string): void {
    if (!this.known || this.known.has(series) || this.retryAt !== Infinity) return;
    const times = this.newcomers.get(series) ?? 0;
    if (times >= newcomerTimes || (times === 0 && this.newcomers.size >= newcomersMost)) return;
    this.newcomers.set(series, times + 1);
    this.retryAt = performance.now() + newcomerAfter;
  }

  private draw(): void {
    if (!this.fresh || !this.visible || this.loaded === 0 || this.loading || performance.now() - this.drawnAt < soonest || document.hidden) return;
    this.fresh = false;
    this.drawnAt = performance.now();
    this.view.tick?.(this.o.span());
  }

  private points(): number {
    return Math.min(most, Math.max(fewest, Math.round(this.body.clientWidth / pixelsPerPoint)));
  }

  private async load(): Promise<void> {
    this.loading?.abort();
    const mine = new AbortController();
    [this.loading, this.retryAt, this.due] = [mine, Infinity, false];
    if (this.loaded === 0) this.root.dataset.loading = "";
    this.loaded = performance.now();
    const span = this.o.span();
    try {
      const answer = this.widget.kind === "text" ? { from: 0, to: 0 } : await this.o.source.ask(this.widget, span, this.points(), mine.signal);
      if (this.loading !== mine) return; // something else was asked for meanwhile
      this.step = stepSeconds(answer.step ?? "");
      if (this.about !== "" && answer.about !== this.about) this.listen(answer.about ?? "");
      this.about = answer.about ?? "";
      this.known = drawn.has(this.widget.kind) && !answer.left ? new Set(answer.series?.map((one) => `${one.device} ${one.metric}`)) : undefined;
      this.view.show(answer, this.o.span());
      this.note(this.view.note?.() ?? "");
    } catch (error) {
      if (this.loading !== mine) return;
      this.note(error instanceof Refused ? error.message : "This cannot be read just now. Trying again.");
      this.retryAt = error instanceof Refused ? Infinity : performance.now() + retryAfter;
    }
    this.loading = undefined;
    delete this.root.dataset.loading;
    this.root.dataset.ready = "";
  }

  private note(text: string): void {
    if (this.noteLine.textContent !== text) this.noteLine.textContent = text;
  }

  private menu(): HTMLElement {
    const menu = make("details", "menu w-menu");
    const summary = make("summary", "", "⋯");
    summary.setAttribute("aria-label", `What to do with ${this.widget.title || this.widget.kind}`);
    const body = make("div", "menu-body");
    const act = (text: string, what: () => void) => button(text, () => {
      menu.open = false;
      what();
    }, "menu-item");
    body.append(act("Full screen", () => void this.root.requestFullscreen?.()), act("Numbers as a table", () => this.tabulate()));
    body.append(act("Download CSV", () => this.download()), act("Download PNG", () => void this.png()));
    menu.append(summary, body);
    return menu;
  }

  private tabulate(): void {
    const dialog = make("dialog", "w-dialog");
    const title = this.widget.title || this.widget.kind;
    dialog.setAttribute("aria-label", title);
    const scroll = make("div", "w-dialog-body");
    scroll.tabIndex = 0;
    scroll.append(table(this.view.rows(), title));
    dialog.append(make("h2", "", title), scroll, button("Close", () => dialog.close()));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  private download(): void {
    const address = this.o.source.csv(this.widget, this.o.span(), this.points());
    const link = make("a");
    link.href = address ?? URL.createObjectURL(new Blob([this.view.rows().map((row) => row.map(quoted).join(",")).join("\n")], { type: "text/csv" }));
    link.download = `${this.widget.title || this.widget.kind}.csv`;
    link.click();
  }

  private async png(): Promise<void> {
    const { picture } = await import("./picture");
    picture(this.widget.title || this.widget.kind, this.view.picture?.() ?? null, this.view.rows());
  }
}

// quoted is a cell of a file; what a spreadsheet would take for a formula is none.
function quoted(cell: string): string {
  const plain = /^[=+@\t\r-]/.test(cell) && Number.isNaN(Number(cell)) ? `'${cell}` : cell;
  return `"${plain.replaceAll('"', '""')}"`;
}

// Refused is an answer that asking again will not change.
export class Refused extends Error {}
