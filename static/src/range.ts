// The range of time that a device's page shows. It lives in the URL: the last hour (?range=1h) or two instants
// (?from=…&to=…, milliseconds), so that Back works and a link shows a colleague the same.
import { serverNow } from "./freshness";
import { toggle } from "./dom";

const lengths: Record<string, number> = {
  "5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000,
};
const usual = "1h";

export interface Range {
  from: number; // ms since 1970
  to: number;
  live: boolean; // it ends now, and goes on
}

// current reads the URL; the page's own default holds when it says nothing.
export function current(): Range {
  const query = new URLSearchParams(location.search);
  const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
  if (from > 0 && to > from) return { from, to, live: false };
  const fixed = document.getElementById("ranges")?.dataset; // a page about what is over has its own
  if (!query.has("range") && fixed?.from && fixed.to) return { from: Number(fixed.from), to: Number(fixed.to), live: false };
  const now = serverNow();
  return { from: now - (lengths[chosen()] ?? 3600) * 1000, to: now, live: true };
}

// lengthOf is how long a range is in ms; of one that is not known, the usual one.
export function lengthOf(key: string | undefined): number {
  return (lengths[key ?? usual] ?? 3600) * 1000;
}

function chosen(): string {
  const wanted = new URLSearchParams(location.search).get("range") ?? document.getElementById("ranges")?.dataset.range;
  return wanted && wanted in lengths ? wanted : usual;
}

// zoom shows two instants; nothing below a tenth of a second is worth a chart.
export function zoom(from: number, to: number): void {
  if (to - from < 100) return;
  go((query) => {
    query.set("from", String(from));
    query.set("to", String(to));
  });
}

// reset returns from a zoom to the range before it; it does nothing when there is none.
export function reset(): void {
  if (!current().live) go((query) => clear(query));
}

function clear(query: URLSearchParams): void {
  query.delete("from");
  query.delete("to");
}

function go(change: (query: URLSearchParams) => void): void {
  const url = new URL(location.href);
  change(url.searchParams);
  history.pushState(null, "", url);
  announce();
}

let tell: () => void = () => undefined;

function announce(): void {
  const { live } = current();
  for (const link of document.querySelectorAll<HTMLElement>("#ranges [data-range]")) {
    if (live && link.dataset.range === chosen()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  toggle("range-live", !live);
  tell();
}

// watchRange calls back whenever the range changes, by a link, a zoom or the Back button.
export function watchRange(changed: () => void): void {
  tell = changed;
  document.getElementById("ranges")?.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLElement>("[data-range]");
    if (!link || link.id === "ranges" || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go((query) => {
      clear(query);
      query.set("range", link.dataset.range ?? usual);
    });
  });
  document.getElementById("range-live")?.addEventListener("click", reset);
  addEventListener("popstate", announce);
  announce();
}
