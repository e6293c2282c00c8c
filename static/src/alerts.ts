// Alerts on every page: how many are open, beside their link and before the title; what a page shows of them is asked for
// again when one changes, without taking focus or selection.
import { subscribe } from "./live";
import { changed, grouped, slot } from "./dom";

// startAlerts keeps the count true; it does nothing on a page of no tenant.
export function startAlerts(): void {
  const place = document.getElementById("nav-alerts");
  if (!place || !document.getElementById("connection")) return;
  keepSelection();
  const bare = document.title.replace(/^\([\d,]+\) /, "");
  let before = -1;
  let known = Number(place.dataset.place);
  subscribe({ topic: "alerts" }, (frame) => {
    const now = (frame.snapshot ?? frame).alerts;
    if (!now) return;
    const count = grouped(String(now.open));
    const number = slot(place, "count");
    if (number) number.textContent = count;
    place.hidden = now.open === 0;
    document.title = now.open > 0 ? `(${count}) ${bare}` : bare;
    if (before >= 0 && now.open > before) changed(place);
    if (now.place !== known) document.body.dispatchEvent(new Event("alerts-changed"));
    before = now.open;
    known = now.place;
  });
}

// keepSelection ticks again what was ticked when a list is replaced by a newer one.
function keepSelection(): void {
  let chosen: string[] = [];
  const boxes = () => [...document.querySelectorAll<HTMLInputElement>("#results input[data-select]")];
  document.body.addEventListener("htmx:beforeSwap", () => {
    chosen = boxes().filter((box) => box.checked).map((box) => box.value);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const box of boxes()) if (chosen.includes(box.value)) box.checked = true;
  });
}
