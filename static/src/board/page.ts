// The page of a dashboard for somebody who is signed in: range, variables and comparison live in its address; the editor
// is loaded when it is wanted.
import { onDirectory } from "../directory";
import { subscribe } from "../live";
import { current, reset, watchRange, zoom } from "../range";
import { short } from "../freshness";
import { fromWallClock, wallClock } from "../zone";
import { Board } from "./board";
import { Refused, type CardOptions, type Source } from "./card";
import type { Document, Span, Widget } from "./model";

const prefix = "var.";

export function startDashboard(): void {
  const root = document.getElementById("board");
  if (!root) return;
  const page = new Page(root);
  page.start();
}

// Page holds what is shown: the saved document, or while it is edited a draft of it.
export class Page {
  readonly base: string;
  readonly board: Board;
  version: number;
  document: Document;
  editing = false;
  private stored: Document;
  private readonly options: CardOptions;

  constructor(readonly root: HTMLElement) {
    this.base = root.dataset.base ?? "";
    this.version = Number(root.dataset.version);
    this.document = this.stored = JSON.parse(root.dataset.document ?? "{}") as Document;
    this.options = { source: this.source(), span: current, zoom, reset, devices: root.dataset.devices ?? "", pictures: root.dataset.pictures ?? "", menu: true };
    this.board = new Board(root, this.options);
  }

  start(): void {
    this.show(this.document);
    watchRange(() => this.ranged());
    const form = document.getElementById("board-variables");
    form?.addEventListener("change", () => this.chosen());
    form?.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("popstate", () => this.recall());
    this.comparison();
    this.absolute();
    this.zones();
    onDirectory(() => void this.match());
    document.getElementById("board-edit")?.addEventListener("click", () => void this.edit());
    if (new URLSearchParams(location.search).has("edit")) void this.edit();
  }

  // show draws a document; it is saved unless the editor says otherwise.
  show(doc: Document): void {
    this.document = doc;
    this.board.show(doc);
    const empty = document.getElementById("board-empty");
    if (empty) empty.hidden = this.editing || (doc.widgets ?? []).length > 0;
  }

  saved(version: number): void {
    this.version = version;
    this.stored = this.document;
  }

  // movable lets the spots of pictures be moved from now on.
  movable(move: NonNullable<CardOptions["move"]>): void {
    this.options.move = move;
    this.board.renew("image", this.document);
  }

  // restart listens anew, when selections mean something else.
  restart(): void {
    this.board.restart(this.document);
  }

  // values are what is chosen above the page.
  values(): Record<string, string> {
    const values: Record<string, string> = {};
    for (const select of document.querySelectorAll<HTMLSelectElement>("#board-variables select")) values[select.name.slice(prefix.length)] = select.value;
    for (const v of this.document.variables ?? []) values[v.name] ??= v.default ?? "";
    return values;
  }

  private ranged(): void {
    const { from, to, live } = current();
    const place = document.getElementById("board-span");
    if (place) place.textContent = live ? "" : `${short(from)} to ${short(to)}`;
    this.board.reload();
  }

  private chosen(): void {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(this.values())) url.searchParams.set(prefix + name, value);
    history.pushState(null, "", url);
    this.restart();
  }

  // recall is for the Back button: what the address says is chosen again.
  private recall(): void {
    const query = new URLSearchParams(location.search);
    let changed = false;
    for (const select of document.querySelectorAll<HTMLSelectElement>("#board-variables select")) {
      const name = select.name.slice(prefix.length);
      const wanted = query.get(select.name) ?? this.document.variables?.find((v) => v.name === name)?.default ?? "";
      changed ||= select.value !== wanted;
      select.value = wanted;
    }
    if (changed) this.restart();
  }

  private comparison(): void {
    const box = document.getElementById("board-compare");
    box?.addEventListener("change", () => {
      const url = new URL(location.href);
      if ((box as HTMLInputElement).checked) url.searchParams.set("compare", "1");
      else url.searchParams.delete("compare");
      history.replaceState(null, "", url);
      this.board.reload();
    });
  }

  // zones loads the page anew: everything on it is in one zone.
  private zones(): void {
    document.getElementById("board-zone")?.addEventListener("change", (event) => {
      const url = new URL(location.href);
      const wanted = (event.target as HTMLSelectElement).value;
      if (wanted) url.searchParams.set("zone", wanted);
      else url.searchParams.delete("zone");
      location.assign(url);
    });
  }

  private absolute(): void {
    const form = document.getElementById("board-absolute");
    const input = (id: string) => document.getElementById(id) as HTMLInputElement | null;
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const [from, to] = [fromWallClock(input("absolute-from")?.value ?? ""), fromWallClock(input("absolute-to")?.value ?? "")];
      if (from > 0 && to > from) zoom(from, to);
      form.closest("details")?.removeAttribute("open");
    });
    form?.closest("details")?.addEventListener("toggle", () => {
      const { from, to } = current();
      for (const [id, at] of [["absolute-from", from], ["absolute-to", to]] as const) {
        const field = input(id);
        if (field && !field.value) field.value = wallClock(at);
      }
    });
  }

  // match notices devices that begin to match while the page is open, and those that are gone.
  private async match(): Promise<void> {
    if (this.editing) return;
    const query = new URLSearchParams(Object.entries(this.values()).map(([name, value]) => [prefix + name, value]));
    const answer = await fetch(`${this.base}/matches?${query}`, { headers: { Accept: "application/json" } }).catch(() => undefined);
    if (answer?.ok) this.board.matches(await answer.json() as Record<string, string>);
  }

  private async edit(): Promise<void> {
    if (this.editing) return;
    this.editing = true;
    const { startEditor } = await import("./editor");
    startEditor(this);
  }

  // unsaved says whether a widget, or the variables that it may name, are not what the server has.
  private unsaved(widget: Widget): boolean {
    const plain = (w: Widget | undefined) => JSON.stringify({ ...w, at: null });
    const there = this.stored.widgets?.find((w) => w.id === widget.id);
    return plain(there) !== plain(widget) || JSON.stringify(this.stored.variables) !== JSON.stringify(this.document.variables);
  }

  private draft(widget: Widget): object {
    return { draft: { widget, variables: this.document.variables ?? [] }, values: this.values() };
  }

  private source(): Source {
    const compare = () => (document.getElementById("board-compare") as HTMLInputElement | null)?.checked ?? false;
    const query = (span: Span, points: number): URLSearchParams => {
      const q = new URLSearchParams({ from: String(Math.floor(span.from)), to: String(Math.ceil(span.to)), points: String(points) });
      if (compare()) q.set("compare", "1");
      return q;
    };
    const saved = (widget: Widget, q: URLSearchParams): string => {
      q.set("widget", widget.id ?? "");
      for (const [name, value] of Object.entries(this.values())) q.set(prefix + name, value);
      return `${this.base}/data?${q}`;
    };
    return {
      ask: async (widget, span, points, signal) => {
        const q = query(span, points);
        const answer = this.unsaved(widget)
          ? await fetch(`${this.root.dataset.draft}?${q}`, { method: "POST", body: JSON.stringify(this.draft(widget)), headers: { "Content-Type": "application/json" }, signal })
          : await fetch(saved(widget, q), { headers: { Accept: "application/json" }, signal });
        if (answer.ok) return answer.json();
        if (answer.status === 400) throw new Refused("This widget is not complete yet.");
        if (answer.status === 401 || answer.status === 403 || answer.status === 404) throw new Refused("This cannot be shown any more. Reload the page.");
        throw new Error(String(answer.status));
      },
      csv: (widget, span, points) => {
        if (this.unsaved(widget)) return null;
        const q = query(span, points);
        q.set("format", "csv");
        return saved(widget, q);
      },
      hear: (widget, handle) =>
        subscribe({ topic: "widget", ...(this.unsaved(widget) ? this.draft(widget) : { dashboard: this.root.dataset.id ?? "", widget: widget.id ?? "", values: this.values() }) }, handle),
    };
  }
}
