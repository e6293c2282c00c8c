// The newest value of every metric, with unit, age and sparkline, changed in place.
import { changed, fill, slot, stamp, text, toggle } from "./dom";
import { setTime } from "./freshness";
import type { Value } from "./frames";
import { spark, type Spark } from "./spark";

interface Card {
  root: HTMLElement;
  at: number; // device time of what is shown, in ms
  spark?: Spark;
}

export interface LatestValues {
  set: (metric: string, value: Value, at: number, more?: { unit?: string; interval?: number }) => void;
  draw: () => void;
}

const mostCards = 300; // as many as a packet may have values, and some

// latestValues runs #latest; on pages without it nothing happens. interval is the device's expected one in seconds.
export function latestValues(base: string, interval: number): LatestValues {
  const list = document.getElementById("latest");
  const cards = new Map<string, Card>();
  for (const root of list?.querySelectorAll<HTMLElement>("[data-metric]") ?? []) adopt(root);

  function adopt(root: HTMLElement): Card {
    const metric = root.dataset.metric ?? "";
    const place = slot(root, "spark");
    const card: Card = { root, at: Number(slot(root, "age")?.dataset.at ?? 0) };
    if (place && root.dataset.type !== "text") card.spark = spark(place, metric, base);
    cards.set(metric, card);
    return card;
  }

  function add(metric: string): Card | undefined {
    const root = cards.size < mostCards ? stamp("latest-template") : null;
    if (!root || !list) return undefined;
    root.dataset.metric = metric;
    fill(root, "name", metric);
    slot(root, "name")?.setAttribute("title", metric);
    list.append(root);
    toggle("latest-empty", false);
    return adopt(root);
  }

  return {
    set: (metric, value, at, more) => {
      if (!list) return;
      const card = cards.get(metric) ?? add(metric);
      if (!card) return;
      if (typeof value === "string") card.root.dataset.type = "text";
      else if (value !== null) card.spark?.add(at / 1000, Number(value));
      if (more?.unit) fill(card.root, "unit", more.unit);
      const time = slot(card.root, "age");
      if (at < card.at) return; // newest means device time
      card.at = at;
      const place = slot(card.root, "value");
      if (place && place.textContent !== text(value)) {
        place.textContent = text(value);
        changed(place);
      }
      const known = interval || more?.interval || Number(time?.dataset.interval ?? 0);
      if (time) setTime(time, at, known);
    },
    draw: () => {
      for (const card of cards.values()) card.spark?.draw();
    },
  };
}
