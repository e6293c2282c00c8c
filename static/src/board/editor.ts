// The editor of a dashboard, in place: widgets are moved and sized by mouse or by keyboard, and set up in a panel beside
// them with the metrics and devices that really exist. Nothing is saved before "Save", and every step can be taken back.
import { button, make } from "./dom";
import { drag } from "./drag";
import { collide, freePlace, type Area } from "./grid";
import type { Document, Kind, Place, Widget } from "./model";
import type { Page } from "./page";
import type { Names } from "./fields";
import { settings, variableSettings } from "./settings";

const kinds: [Kind, string][] = [
  ["line", "Lines"], ["area", "Areas"], ["band", "Band of all"], ["number", "Number"], ["gauge", "Gauge"], ["bars", "Bars"],
  ["table", "Table of newest values"], ["timeline", "States over time"], ["fleet", "Devices, worst first"], ["log", "Events"], ["alerts", "Open alerts"], ["image", "Picture with values"], ["map", "Map of sites"], ["text", "Text"],
];
const sizes: Partial<Record<Kind, [w: number, h: number]>> = { number: [3, 4], gauge: [3, 6], fleet: [12, 5], log: [12, 6], alerts: [6, 6], image: [6, 10], map: [6, 10], text: [3, 4], timeline: [6, 5] };
const selfMade = new Set<Kind>(["fleet", "log", "alerts", "image", "map", "text"]); // begin without a metric
const mostSteps = 100; // that can be taken back

export function startEditor(page: Page): void {
  new Editor(page).start();
}

class Editor {
  private readonly tools = document.getElementById("board-tools");
  private readonly panel = make("aside", "board-panel");
  private readonly message = make("p", "board-message");
  private past: string[] = [];
  private future: string[] = [];
  private chosen = "";
  private names: Names = { metrics: [], devices: [], sites: [], profiles: [], labels: {}, pictures: "" };
  private readonly undoButton = button("Undo", () => this.step(this.past, this.future));
  private readonly redoButton = button("Redo", () => this.step(this.future, this.past));
  private readonly original: string;
  private readonly abort = new AbortController();
  private lastTyped = "";

  constructor(private readonly page: Page) {
    this.original = JSON.stringify(page.document);
    this.names.pictures = page.root.dataset.pictures ?? "";
  }

  start(): void {
    const { root } = this.page;
    document.documentElement.dataset.editing = "";
    root.classList.add("editing");
    this.panel.setAttribute("aria-label", "Settings");
    root.after(this.panel);
    this.bar();
    const { signal } = this.abort;
    root.addEventListener("pointerdown", (event) => this.grab(event), { signal });
    root.addEventListener("keydown", (event) => this.key(event), { signal });
    root.addEventListener("focusin", (event) => this.choose(widgetOf(event.target)), { signal });
    addEventListener("keydown", (event) => this.shortcut(event), { signal });
    addEventListener("beforeunload", (event) => this.changed() && event.preventDefault(), { signal });
    this.page.movable((id, spot, x, y, name) => this.change((doc) => {
      const one = doc.widgets?.find((w) => w.id === id)?.spots?.[spot];
      if (one) [one.x, one.y] = [x, y];
    }, `${id} ${name}`));
    this.redraw();
    this.choose("");
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      const answer = await fetch(this.page.root.dataset.names ?? "", { headers: { Accept: "application/json" }, signal: this.abort.signal });
      if (answer.ok) this.names = { ...this.names, ...(await answer.json() as Partial<Names>) };
      else this.say("The names of metrics and devices cannot be read just now; they can still be typed.");
    } catch {
      this.say("The names of metrics and devices cannot be read just now; they can still be typed.");
    }
    this.settle();
  }

  private bar(): void {
    const add = make("details", "menu board-add");
    const summary = make("summary", "btn btn-sm", "Add widget");
    const body = make("div", "menu-body");
    for (const [kind, name] of kinds) {
      body.append(button(name, () => {
        add.open = false;
        this.add(kind);
      }, "menu-item"));
    }
    add.append(summary, body);
    const save = button("Save", () => void this.save(), "btn btn-sm btn-primary");
    const hint = make("span", "muted small", "Drag by the title, size by the corner; with the keyboard: arrow keys move, Shift and arrow keys size, Delete removes.");
    this.message.setAttribute("role", "status");
    this.tools?.replaceChildren(add, button("Variables and range", () => this.general()), this.undoButton, this.redoButton, save, button("Cancel", () => this.cancel()), hint, this.message);
    if (this.tools) this.tools.hidden = false;
    const edit = document.getElementById("board-edit");
    if (edit) edit.hidden = true;
    summary.focus();
  }

  private widgets(): Widget[] {
    return this.page.document.widgets ?? [];
  }

  private find(id: string): Widget | undefined {
    return this.widgets().find((w) => w.id === id);
  }

  // change makes the document another one; what was there can be taken back. Typing in one field is one step.
  private change(edit: (doc: Document) => void, field = ""): void {
    const before = JSON.stringify(this.page.document);
    const next = structuredClone(this.page.document);
    edit(next);
    if (JSON.stringify(next) === before) return;
    if (field === "" || field !== this.lastTyped) this.past.push(before);
    this.lastTyped = field;
    if (this.past.length > mostSteps) this.past.shift();
    this.future = [];
    this.apply(next);
  }

  private apply(next: Document): void {
    const variables = JSON.stringify(this.page.document.variables) !== JSON.stringify(next.variables);
    this.page.show(next);
    if (variables) this.page.restart();
    this.redraw();
  }

  private step(from: string[], to: string[]): void {
    const there = from.pop();
    if (there === undefined) return;
    to.push(JSON.stringify(this.page.document));
    this.lastTyped = "";
    this.apply(JSON.parse(there) as Document);
    this.settle();
  }

  private changed(): boolean {
    return JSON.stringify(this.page.document) !== this.original;
  }

  // redraw gives every card what an editor needs: something to hold, a corner to pull, and a place in the order of Tab.
  private redraw(): void {
    this.undoButton.disabled = this.past.length === 0;
    this.redoButton.disabled = this.future.length === 0;
    for (const card of this.page.root.querySelectorAll<HTMLElement>(":scope > .w")) {
      card.tabIndex = 0;
      const widget = this.find(card.dataset.widget ?? "");
      if (widget) card.setAttribute("aria-label", `${widget.title || widget.kind}, column ${widget.at.x + 1}, row ${widget.at.y + 1}, ${widget.at.w} wide, ${widget.at.h} high`);
      card.toggleAttribute("data-chosen", card.dataset.widget === this.chosen);
      if (!card.querySelector(".w-corner")) {
        const corner = make("span", "w-corner");
        corner.setAttribute("aria-hidden", "true");
        card.append(corner);
      }
    }
  }

  private choose(id: string): void {
    if (id === this.chosen && this.panel.childElementCount > 0) return;
    this.chosen = id;
    this.redraw();
    this.settle();
  }

  // settle fills the panel for what is chosen.
  private settle(): void {
    const widget = this.find(this.chosen);
    if (!widget) {
      this.panel.replaceChildren(make("p", "muted", this.widgets().length > 0 ? "Choose a widget to set it up." : "Add the first widget with the button above."));
      return;
    }
    this.panel.replaceChildren(...settings(widget, this.names, this.page.document.variables ?? [], (edit, field) =>
      this.change((doc) => {
        const mine = doc.widgets?.find((w) => w.id === widget.id);
        if (mine) edit(mine);
      }, field && `${widget.id} ${field}`)), button("Duplicate", () => this.duplicate(widget.id ?? "")), button("Remove widget", () => this.remove(widget.id ?? "")));
  }

  private general(): void {
    this.chosen = "";
    this.redraw();
    this.panel.replaceChildren(...variableSettings(this.page.document, this.names, (edit) => {
      this.change(edit);
      this.general();
    }));
    this.panel.querySelector<HTMLElement>("input, select, button")?.focus();
  }

  private add(kind: Kind): void {
    const [w, h] = sizes[kind] ?? [6, 8];
    const id = this.freeID();
    const widget: Widget = { id, kind, at: freePlace(this.areas(), w, h) };
    const first = this.names.metrics.find((m) => m.type === "number");
    if (first && !selfMade.has(kind)) widget.metrics = [{ name: first.name }];
    widget.title = kind === "text" ? "Note" : widget.metrics?.[0]?.name ?? kinds.find(([k]) => k === kind)?.[1] ?? "";
    if (kind === "text") widget.text = "Write something here.";
    this.insert(widget);
  }

  private insert(widget: Widget): void {
    this.change((doc) => void (doc.widgets = [...(doc.widgets ?? []), widget]));
    this.choose(widget.id ?? "");
    const card = this.page.board.card(widget.id ?? "");
    card?.root.scrollIntoView({ block: "nearest" });
    card?.root.focus();
  }

  private duplicate(id: string): void {
    const there = this.find(id);
    if (there) this.insert({ ...structuredClone(there), id: this.freeID(), at: freePlace(this.areas(), there.at.w, there.at.h) });
  }

  private remove(id: string): void {
    const before = this.widgets().findIndex((w) => w.id === id);
    this.change((doc) => void (doc.widgets = (doc.widgets ?? []).filter((w) => w.id !== id)));
    this.choose("");
    const next = this.widgets()[Math.min(before, this.widgets().length - 1)];
    if (next) this.page.board.card(next.id ?? "")?.root.focus();
    else this.tools?.querySelector<HTMLElement>("summary")?.focus();
  }

  private freeID(): string {
    for (let n = 1; ; n++) if (!this.find(`w${n}`)) return `w${n}`;
  }

  private areas(): Area[] {
    return this.widgets().map((w) => ({ id: w.id ?? "", ...w.at }));
  }

  // put moves or sizes a widget; those that are in its way go down.
  private put(id: string, at: Place, field = ""): void {
    const placed = collide(this.areas(), { id, ...at });
    this.change((doc) => {
      for (const w of doc.widgets ?? []) {
        const found = placed.find((a) => a.id === w.id);
        if (found) w.at = { x: found.x, y: found.y, w: found.w, h: found.h };
      }
    }, field);
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const widget = this.find(target.dataset.widget ?? "");
    if (!widget || !target.classList.contains("w")) return;
    if (event.key === "Delete") return void this.remove(widget.id ?? "");
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) {
      if (event.key === "Enter") this.panel.querySelector<HTMLElement>("input, select, textarea")?.focus();
      return;
    }
    event.preventDefault();
    const [dx = 0, dy = 0] = step;
    const { x, y, w, h } = widget.at;
    this.put(widget.id ?? "", event.shiftKey ? { x, y, w: w + dx, h: h + dy } : { x: x + dx, y: y + dy, w, h });
    target.scrollIntoView({ block: "nearest" });
    this.say(target.getAttribute("aria-label") ?? "");
  }

  private shortcut(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || (event.target as HTMLElement).matches?.("input, textarea")) return;
    event.preventDefault();
    if (event.shiftKey) this.step(this.future, this.past);
    else this.step(this.past, this.future);
  }

  private grab(event: PointerEvent): void {
    const widget = this.find(widgetOf(event.target));
    if (!widget) return;
    const id = widget.id ?? "";
    const name = `drag ${id} ${event.timeStamp}`;
    drag(event, this.page.root, widget.at, (at) => this.put(id, at, name));
  }

  private async save(): Promise<void> {
    const body = JSON.stringify({ base: this.page.version, document: this.page.document });
    this.say("Saving…");
    try {
      const answer = await fetch(this.page.base, { method: "POST", body, headers: { "Content-Type": "application/json", Accept: "application/json" } });
      if (answer.ok) return this.leave();
      const problem = await answer.json() as { detail?: string };
      this.say(problem.detail ?? "It could not be saved. Try again.");
    } catch {
      this.say("It could not be saved: the server does not answer. Nothing is lost here; try again.");
    }
  }

  private cancel(): void {
    if (this.changed() && !confirm("Leave without saving? What was changed since the last save is lost.")) return;
    this.leave();
  }

  // leave shows what is saved, from the beginning: who saved it, the version and the choices above are the server's words.
  private leave(): void {
    this.abort.abort();
    const url = new URL(location.href);
    url.searchParams.delete("edit");
    if (url.href === location.href) location.reload();
    else location.replace(url);
  }

  private say(text: string): void {
    this.message.textContent = text;
  }
}

function widgetOf(target: EventTarget | null): string {
  return (target as HTMLElement | null)?.closest<HTMLElement>(".w")?.dataset.widget ?? "";
}
