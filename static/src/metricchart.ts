// The chart of one metric: its history over HTTP, its newest points from the socket. It is drawn only while it can be
// seen, because a device may have hundreds.
import { colourOf, makeChart, type Chart } from "./chart";
import { fill, slot, text } from "./dom";
import { exact, short } from "./freshness";
import { about, under, type Interval } from "./intervals";
import { columns, insert, readHistory, silence, stepSeconds, stepWords, type Point } from "./points";
import { current, reset, zoom, type Range } from "./range";

const fewestPoints = 200;
const mostPoints = 2000;
const pixelsPerPoint = 2; // with one each, the edges of the band would hide the line between them
const tableRows = 500;
const soonest = 2000; // between two readings of the same history, in ms
const latest = 60_000;
const retryAfter = 5000; // when it could not be read
const onItsWay = 60_000; // asked for beyond now, in ms: clocks differ, and readings arrive while the answer is made

// Marks stand behind the line: the numbers at which alerts begin and those at which they end, and when they fired.
export interface Marks {
  thresholds?: number[];
  ends?: number[];
  band?: [at: number, low: number, high: number][]; // what was usual; at in microseconds
  intervals?: Interval[] | null;
}

export class MetricChart {
  private readonly host: HTMLElement | null;
  private unit: string;
  private stepped: boolean; // true or false, never a number
  private newest: number; // device time of the newest reading that is known, in ms; 0 for none
  private chart: Chart | undefined;
  private visible = false;
  private points: Point[] = [];
  private pending: Point[] = []; // came from the socket while the history was on its way
  private step = "raw";
  private loaded = 0; // when the history was asked for, in ms; 0 means that it must be
  private retryAt = Infinity;
  private arrived = false; // something came that the buckets do not show yet
  private loading: AbortController | undefined;
  private drawn = columns([], 0, false);

  // base is the address of the device's series, interval the expected one in seconds, 0 when it is not known.
  constructor(
    private readonly figure: HTMLElement,
    private readonly metric: string,
    private readonly base: string,
    private interval: number,
    private marks?: Marks,
  ) {
    this.host = slot(figure, "plot");
    this.unit = slot(figure, "unit")?.textContent?.trim() ?? "";
    this.stepped = figure.dataset.type === "bool";
    this.newest = Number(figure.dataset.newest ?? 0);
    slot(figure, "newest")?.addEventListener("click", (event) => this.showNewest(event));
    slot(figure, "table")?.closest("details")?.addEventListener("toggle", () => this.tabulate());
    new IntersectionObserver((entries) => this.see(entries.at(-1)?.isIntersecting ?? false), { rootMargin: "200px" }).observe(figure);
  }

  // add takes a reading from the socket; t in seconds.
  add(t: number, value: number): void {
    this.newest = Math.max(this.newest, t * 1000);
    if (!current().live) return;
    if (this.loading) this.pending.push({ t, value, min: value, max: value });
    if (this.bucketed()) this.arrived = true;
    else if (this.loaded > 0) insert(this.points, t, value);
  }

  // tick is called once a second.
  tick(): void {
    if (!this.visible || this.loading) return;
    if (Date.now() > this.retryAt) return void this.load();
    const range = current();
    if (!range.live) return;
    const pause = Math.min(latest, Math.max(soonest, stepSeconds(this.step) * 1000));
    const stale = this.arrived && Date.now() - this.loaded > pause;
    if (stale || this.points.length > 2 * mostPoints) return void this.load(); // too many to draw singly: let the server choose
    const first = this.points.findIndex((p) => p.t * 1000 >= range.from - (range.to - range.from) / 10);
    if (first > 0) this.points.splice(0, first);
    this.draw();
  }

  // mark puts other marks behind the line: of those given, the ones that concern it.
  mark(marks: Marks): void {
    this.marks = { ...marks, intervals: about(marks.intervals ?? [], this.metric) };
    this.draw();
  }

  // reload is for when the range has changed, or something was missed.
  reload(): void {
    this.loaded = 0;
    if (!this.visible) return;
    void this.load();
    this.draw(); // the new range at once, with what is known of it
  }

  // describe is told what is known of the metric; "" and 0 say nothing.
  describe(unit: string, interval: number, stepped: boolean): void {
    if (unit) fill(this.figure, "unit", (this.unit = unit));
    if (interval > 0) this.interval = interval;
    if (stepped === this.stepped) return;
    this.stepped = stepped;
    this.chart?.destroy();
    this.chart = undefined;
    this.draw();
  }

  private bucketed(): boolean {
    return this.step !== "raw";
  }

  private see(visible: boolean): void {
    this.visible = visible;
    if (visible && this.loaded === 0) void this.load();
    else this.draw();
  }

  private async load(): Promise<void> {
    this.loading?.abort();
    const mine = new AbortController();
    if (this.loaded === 0) fill(this.figure, "note", "Reading the history…");
    const range = current();
    [this.loading, this.loaded, this.retryAt, this.pending, this.arrived] = [mine, Date.now(), Infinity, [], false];
    try {
      const history = await readHistory(this.base, this.query(range), mine.signal);
      if (this.loading !== mine) return; // another range was asked for in the meantime
      [this.step, this.points] = [history.step, history.points];
      if (!this.bucketed()) for (const p of this.pending) insert(this.points, p.t, p.value);
      this.note(null);
    } catch {
      if (this.loading !== mine) return;
      fill(this.figure, "note", "The history cannot be read just now. Trying again.");
      this.retryAt = Date.now() + retryAfter;
    }
    this.loading = undefined;
    this.link(range);
    this.draw();
    this.tabulate();
  }

  private query(range: Range): Record<string, string> {
    const points = Math.min(mostPoints, Math.max(fewestPoints, Math.round((this.host?.clientWidth ?? 0) / pixelsPerPoint)));
    const to = range.live ? range.to + onItsWay : range.to;
    return { metric: this.metric, from: String(Math.floor(range.from)), to: String(Math.ceil(to)), points: String(points) };
  }

  // link lets the same numbers be had as a file.
  private link(range: Range): void {
    const link = slot(this.figure, "csv");
    if (link instanceof HTMLAnchorElement) link.href = `${this.base}?${new URLSearchParams({ ...this.query(range), format: "csv" })}`;
  }

  private draw(): void {
    if (!this.visible || !this.host) return;
    const label = `${this.metric} ${this.unit}`.trim();
    const { host, stepped } = this;
    this.chart ??= makeChart({ host, label, colour: colourOf(this.metric), stepped, zoom, reset, read: (index) => this.note(index), marks: () => this.marks });
    const { from, to } = current();
    this.points = this.points.filter((p) => p.t * 1000 >= from && p.t * 1000 <= to + onItsWay);
    this.drawn = columns(this.points, silence(this.points, this.interval, this.step), this.bucketed());
    this.chart.show(this.drawn, from / 1000, to / 1000);
    this.invite(from, to);
  }

  // invite says that a range has nothing to show, and leads to where there is something.
  private invite(from: number, to: number): void {
    const place = slot(this.figure, "empty");
    if (!place) return;
    const empty = this.loading === undefined && !this.points.some((p) => p.t * 1000 >= from && p.t * 1000 <= to);
    if (place.hidden === empty) place.hidden = !empty;
    const link = slot(this.figure, "newest");
    if (!empty || !(link instanceof HTMLAnchorElement)) return;
    link.hidden = this.newest === 0;
    const target = this.aroundNewest(to - from);
    const query = new URLSearchParams(location.search);
    query.set("from", String(target.from));
    query.set("to", String(target.to));
    link.search = query.toString();
    fill(this.figure, "newest", `Show the newest reading, ${exact(this.newest)}`);
  }

  private aroundNewest(length: number): { from: number; to: number } {
    const to = Math.ceil(this.newest + length / 10);
    return { from: Math.floor(to - length), to };
  }

  private showNewest(event: MouseEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey || this.newest === 0) return;
    event.preventDefault();
    const range = current();
    const target = this.aroundNewest(range.to - range.from);
    zoom(target.from, target.to);
  }

  // note says below the chart what the line is made of, and above it, while the cursor is on it, the point. It returns
  // the point.
  private note(index: number | null): string {
    const every = this.points.length > 0 ? "Every reading" : "No readings in this range";
    fill(this.figure, "note", this.bucketed() && this.points.length > 0 ? this.mean() : every);
    const point = index === null ? "" : this.point(index);
    fill(this.figure, "cursor", point);
    return point || "no reading here";
  }

  private mean(): string {
    const step = stepWords(this.step);
    return this.stepped ? `How much of each ${step} was true` : `Mean of each ${step}; the band reaches from the smallest to the largest reading`;
  }

  // say writes a value of this metric; a bucket of something that is true or false has a share.
  private say(value: number): string {
    if (!this.stepped) return text(value);
    return value === 0 ? "false" : value === 1 ? "true" : `${Math.round(value * 100)} % true`;
  }

  private point(index: number): string {
    const [at, value, low, high] = this.drawn.map((column) => column[index]);
    if (at == null || value == null) return "";
    const band = this.bucketed() && !this.stepped && low != null && high != null ? ` (${text(low)} to ${text(high)})` : "";
    const fired = under(this.marks?.intervals ?? [], at);
    return `${this.say(value)}${this.unit && ` ${this.unit}`}${band} at ${short(at * 1000)}${fired && `; ${fired}`}`;
  }

  // tabulate fills the table that says the same to those who do not see the line; only while it is open.
  private tabulate(): void {
    const body = slot(this.figure, "table");
    if (!body?.closest("details")?.open) return;
    body.replaceChildren(...this.points.slice(-tableRows).reverse().map(({ t, value, min, max }) => {
      const row = document.createElement("tr");
      for (const cell of [exact(t * 1000), this.say(value), this.say(min), this.say(max)]) row.insertCell().textContent = cell;
      return row;
    }));
  }
}
