// A dashboard as it is looked at: a grid of widgets over one range of time. It knows neither an editor nor a session, nor
// where its data comes from; whoever has a document, a source and a range can show it.
import { Card, type CardOptions } from "./card";
import type { Document, Kind, Widget } from "./model";

export class Board {
  private readonly cards = new Map<string, { card: Card; text: string }>();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly changed = () => this.each((card) => card.alerted());

  constructor(private readonly root: HTMLElement, private readonly o: CardOptions) {
    this.timer = setInterval(() => {
      if (!document.hidden) this.each((card) => card.tick());
    }, 1000);
    document.body.addEventListener("alerts-changed", this.changed); // said by whoever hears of alerts on this page
  }

  // show makes the grid what the document says. A widget that is only moved goes on with what it has.
  show(doc: Document): void {
    const wanted = new Set<string>();
    for (const widget of doc.widgets ?? []) {
      const id = widget.id ?? "";
      wanted.add(id);
      const text = content(widget);
      const there = this.cards.get(id);
      if (there?.text === text) {
        there.card.widget.at = widget.at;
        if (widget.spots) there.card.widget.spots = structuredClone(widget.spots);
        there.card.place();
        there.card.moved();
        continue;
      }
      there?.card.destroy();
      const card = new Card(structuredClone(widget), this.o);
      this.cards.set(id, { card, text });
      this.root.append(card.root);
    }
    for (const [id, { card }] of this.cards) {
      if (wanted.has(id)) continue;
      card.destroy();
      this.cards.delete(id);
    }
  }

  card(id: string): Card | undefined {
    return this.cards.get(id)?.card;
  }

  // matches passes on which devices each widget is about.
  matches(about: Record<string, string>): void {
    for (const [id, { card }] of this.cards) card.matches(about[id] ?? "");
  }

  // reload asks for everything again: the range is another one, or the values of variables are.
  reload(): void {
    this.each((card) => card.reload());
  }

  // renew makes the cards of one kind anew, because what they may do has changed.
  renew(kind: Kind, doc: Document): void {
    for (const [id, { card }] of this.cards) {
      if (card.widget.kind !== kind) continue;
      card.destroy();
      this.cards.delete(id);
    }
    this.show(doc);
  }

  // restart listens anew as well: the selections mean other devices now.
  restart(doc: Document): void {
    this.each((card) => card.destroy());
    this.cards.clear();
    this.show(doc);
  }

  destroy(): void {
    clearInterval(this.timer);
    document.body.removeEventListener("alerts-changed", this.changed);
    this.each((card) => card.destroy());
    this.cards.clear();
  }

  private each(act: (card: Card) => void): void {
    for (const { card } of this.cards.values()) act(card);
  }
}

// content is everything about a widget but its place, and those of its spots.
function content(widget: Widget): string {
  return JSON.stringify({ ...widget, at: null, spots: widget.spots?.map((spot) => ({ ...spot, x: 0, y: 0 })) });
}
