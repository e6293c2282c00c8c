// Where the widgets of a wall get their past and their present from: the addresses of a screen, which answer about its own
// dashboards only.
import { Refused, type Source } from "../board/card";
import { subscribe } from "../live";

const slowest = 20_000; // a network that swallows everything answers never; a widget that waits for it would stand still

export function source(dashboard: string): Source {
  return {
    ask: async (widget, span, points, signal) => {
      const q = new URLSearchParams({ dashboard, widget: widget.id ?? "", from: String(Math.floor(span.from)), to: String(Math.ceil(span.to)), points: String(points) });
      const bounded = new AbortController();
      const stop = (): void => bounded.abort();
      const timer = setTimeout(stop, slowest);
      signal.addEventListener("abort", stop);
      try {
        const answer = await fetch(`/wall/data?${q}`, { headers: { Accept: "application/json" }, signal: bounded.signal });
        if (answer.ok) return await answer.json();
        if (answer.status === 404) throw new Refused("This cannot be shown any more.");
        throw new Error(String(answer.status));
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      }
    },
    csv: () => null,
    hear: (widget, handle) => subscribe({ topic: "widget", dashboard, widget: widget.id ?? "" }, handle),
  };
}
